//! An object's bytes on their way to the client.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use s3s::dto::StreamingBlob;
use tokio::task::spawn_blocking;

/// Read at once. s3s-fs reads 4,096 bytes at a time, each by way of another thread; with
/// this, the socket sets the pace.
const CHUNK: u64 = 512 * 1024;

/// The bytes `start..end` of `file`.
pub(super) fn stream(file: File, start: u64, end: u64) -> StreamingBlob {
    let file = Arc::new(file);
    StreamingBlob::wrap(futures::stream::try_unfold(start, move |at| {
        let file = Arc::clone(&file);
        async move {
            if at >= end {
                return Ok(None);
            }
            let length = usize::try_from(CHUNK.min(end - at)).map_err(io::Error::other)?;
            let chunk = spawn_blocking(move || {
                let mut chunk = vec![0; length];
                file.read_exact_at(&mut chunk, at)?;
                Ok::<_, io::Error>(chunk)
            })
            .await
            .map_err(io::Error::other)??;
            Ok::<_, io::Error>(Some((Bytes::from(chunk), at + length as u64)))
        }
    }))
}
