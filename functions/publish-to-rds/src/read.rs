//! The rows of `segments.parquet` as a stream that is never more than a few batches ahead.

use std::future::Future;

use arrow_array::RecordBatch;
use futures::{Stream, StreamExt, stream};
use shared::tables::ChunkReader;
use shared::{Error, Result};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Decodes Parquet on a thread of its own. `object` names the table in errors; nothing is
/// fetched before the stream is first polled.
pub fn batches<R, F>(
    fetch: F,
    object: &str,
    ahead: usize,
) -> impl Stream<Item = Result<RecordBatch>> + use<R, F>
where
    R: ChunkReader + 'static,
    F: Future<Output = Result<R>>,
{
    let object = object.to_owned();
    stream::once(async move {
        match fetch.await {
            Ok(table) => decode(table, object, ahead).left_stream(),
            Err(error) => stream::once(async { Err(error) }).right_stream(),
        }
    })
    .flatten()
}

fn decode<R: ChunkReader + 'static>(
    table: R,
    object: String,
    ahead: usize,
) -> impl Stream<Item = Result<RecordBatch>> {
    let (sender, receiver) = mpsc::channel(ahead.max(1));
    let name = object.clone();
    let worker = tokio::task::spawn_blocking(move || {
        let send = |item| sender.blocking_send(item).is_ok();
        match shared::tables::read_batches(table, &name) {
            // Where nobody listens any more, the rest need not be decoded.
            Ok(mut batches) => while batches.next().is_some_and(send) {},
            Err(error) => drop(send(Err(error))),
        }
    });
    let state = Reading {
        receiver,
        worker: Some(worker),
        object,
    };
    stream::unfold(state, |mut state| async move {
        Some((state.next().await?, state))
    })
}

struct Reading {
    receiver: mpsc::Receiver<Result<RecordBatch>>,
    worker: Option<JoinHandle<()>>,
    object: String,
}

impl Reading {
    /// The next batch. The end of the channel is the end of the table only if the worker
    /// came to its own end: damaged bytes may make a decoder panic.
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if let Some(batch) = self.receiver.recv().await {
            return Some(batch);
        }
        match self.worker.take()?.await {
            Ok(()) => None,
            Err(_) => Some(Err(Error::Corrupt {
                object: self.object.clone(),
                reason: "it can't be decoded".to_owned(),
            })),
        }
    }
}
