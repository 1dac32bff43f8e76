//! What the targets share: a limit of memory, bytes that come in pieces, what an error may
//! look like.
#![allow(missing_docs)]

use std::alloc::System;
use std::io::{self, Read};

use cap::Cap;
use shared::Error;

#[path = "../../shared/tests/obvious/mod.rs"]
#[allow(unreachable_pub)]
pub mod obvious;

/// An input has some kilobytes: whoever wants more than this for it believes what a header
/// claims. The process ends, and libFuzzer keeps the input.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 64 << 20);

/// Refused by name, in one line, and not by a fault of ours.
pub fn check(error: &Error) {
    let text = error.to_string();
    assert_ne!(error.name(), "Insiders.Internal", "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(text.chars().count() < 3_500, "{text:.200}");
}

/// The input without its last `N` bytes, and those: how it is to be read. At the end, so that
/// files can be seeds.
pub fn knobs<const N: usize>(input: &[u8]) -> (&[u8], [u8; N]) {
    input
        .split_last_chunk()
        .map_or((input, [0; N]), |(rest, knobs)| (rest, *knobs))
}

/// Bytes that come in pieces: of one byte, or of up to `most`.
pub struct Pieces<'a> {
    rest: &'a [u8],
    most: usize,
    turn: usize,
}

impl<'a> Pieces<'a> {
    pub fn new(bytes: &'a [u8], knob: u8) -> Self {
        Self {
            rest: bytes,
            most: usize::from(knob) + 1,
            turn: 0,
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        let length = self.turn * 7 % self.most + 1;
        let length = length.min(to.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(length);
        to[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}
