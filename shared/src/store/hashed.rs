//! A stream whose SHA-256 is known at its end.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::contracts::hex;

/// Hashes what is read through it.
#[derive(Debug)]
pub struct Hashed<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Hashed<R> {
    /// Nothing read yet.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            digest: Sha256::new(),
        }
    }

    /// SHA-256 of what was read, in hexadecimal.
    pub fn sha256(self) -> String {
        hex(&self.digest.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.digest.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}
