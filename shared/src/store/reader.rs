//! An object as a blocking stream through bounded memory.

use std::io::{self, Read};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::AggregatedBytes;
use bytes::Buf;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::failure;
use crate::contracts::Source;
use crate::{Error, Result};

/// Bytes of one ranged request.
const RANGE: u64 = 4 << 20;
/// Requests in flight: one connection to S3 is slower than the parser. With what waits in the
/// channel and what is read, four ranges are in memory at most.
const IN_FLIGHT: usize = 2;
/// Times that an object or a range of it is asked for again after its body broke off.
pub(super) const RETRIES: u32 = 3;

/// Reads a pinned source range by range, each on the condition that the object is still the
/// one that was pinned, so that a broken connection costs one range and a replaced object is
/// noticed.
#[derive(Debug)]
pub struct ObjectReader {
    ranges: mpsc::Receiver<Result<AggregatedBytes>>,
    current: Option<AggregatedBytes>,
}

impl ObjectReader {
    pub(super) fn new(client: Client, source: Source) -> Self {
        let (sender, ranges) = mpsc::channel(1);
        tokio::spawn(async move {
            let starts = (0..source.size).step_by(RANGE as usize);
            let bodies = futures::stream::iter(starts)
                .map(|start| fetch(&client, &source, start))
                .buffered(IN_FLIGHT);
            let sent = bodies.map(Ok::<_, ()>).try_for_each(|body| async {
                let stop = body.is_err();
                let delivered = sender.send(body).await.is_ok();
                if delivered && !stop { Ok(()) } else { Err(()) }
            });
            // An error here is a reader that went away, or a failure already delivered.
            let _ = sent.await;
        });
        Self {
            ranges,
            current: None,
        }
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(range) = self.current.as_mut().filter(|range| range.has_remaining()) {
                let n = buffer.len().min(range.remaining());
                let read = buffer.get_mut(..n).unwrap_or_default();
                range.copy_to_slice(read);
                return Ok(n);
            }
            // before the next one comes
            self.current = None;
            match self.ranges.blocking_recv() {
                None => return Ok(0),
                Some(Ok(range)) => self.current = Some(range),
                // The error itself travels inside, for whoever reads through decoders.
                Some(Err(error)) => return Err(io::Error::other(error)),
            }
        }
    }
}

/// One range, whole.
async fn fetch(client: &Client, source: &Source, start: u64) -> Result<AggregatedBytes> {
    let end = source
        .size
        .min(start.saturating_add(RANGE))
        .saturating_sub(1);
    let expected = end - start + 1;
    let mut attempt = 0;
    loop {
        let response = client
            .get_object()
            .bucket(&source.bucket)
            .key(&source.key)
            .set_version_id(source.version.clone())
            .if_match(&source.etag)
            .range(format!("bytes={start}-{end}"))
            .send()
            .await
            .map_err(|e| failure::of("GetObject", &source.bucket, &source.key, &e))?;
        let broken = match response.body.collect().await {
            Ok(body) if body.remaining() as u64 == expected => return Ok(body),
            Ok(body) => format!("{} bytes instead of {expected}", body.remaining()),
            Err(e) => failure::broken(&e),
        };
        if attempt == RETRIES {
            return Err(Error::Unavailable {
                service: "S3",
                operation: format!("GetObject of {}/{}", source.bucket, source.key),
                reason: format!("bytes {start} to {end} broke off: {broken}"),
            });
        }
        attempt += 1;
    }
}
