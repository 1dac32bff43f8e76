//! What the bytes are, and the text in them.
#![no_main]

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use fuzz::{Pieces, check, knobs};
use libfuzzer_sys::fuzz_target;
use shared::erasure::rewrite;
use shared::transactions::decompress::{Packing, text, unreadable};

/// Of a bomb no more than this is looked at.
const MOST: u64 = 1 << 20;

fn unpack(source: impl Read + Send) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let read = text(source, "f").and_then(|text| {
        text.take(MOST)
            .read_to_end(&mut unpacked)
            .map_err(|e| unreadable("f", e))
    });
    match read {
        Ok(_) => Ok(unpacked),
        Err(error) => {
            check(&error);
            assert!(error.is_bad_input(), "{error}");
            Err(error.to_string())
        }
    }
}

fn gzip(text: &[u8], level: u8) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(u32::from(level % 10)));
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn zstd(text: &[u8], level: u8) -> Vec<u8> {
    zstd::encode_all(text, i32::from(level % 4)).unwrap()
}

/// A text in two members, whole and damaged.
fn packed(text: &[u8], knobs: [u8; 4], pack: fn(&[u8], u8) -> Vec<u8>, magic: usize) {
    let [size, level, cut, damage] = knobs.map(usize::from);
    let (first, second) = text.split_at(text.len() * cut / 255);
    let first = pack(first, level as u8);
    let mut whole = [&first[..], &pack(second, level as u8)].concat();
    assert_eq!(unpack(&whole[..]).unwrap(), text);
    assert_eq!(unpack(Pieces::new(&whole, size as u8)).unwrap(), text);

    let end = whole.len() * damage / 256;
    if end >= magic && end != first.len() {
        assert!(unpack(&whole[..end]).is_err(), "cut at {end}");
    }
    let (from, to) = (text.len() * cut / 256, text.len() * damage / 256);
    let span = (from.min(to), from.max(to));
    let spans = [(span.0 as u64, span.1 as u64)];
    let less = rewrite(Pieces::new(&whole, size as u8), "f", &spans, Vec::new()).unwrap();
    assert_eq!(Packing::of(&less), Packing::of(&whole));
    let left = [&text[..span.0], &text[span.1..]].concat();
    if let Ok(less) = unpack(&less[..]) {
        assert_eq!(less, left);
    }
    // What zstd writes has no checksum, what gzip writes has one.
    if Packing::of(&whole) == Packing::Gzip && (10..first.len()).contains(&end) {
        whole[end] ^= 1 << (size % 8);
        if let Ok(text_) = unpack(&whole[..]) {
            assert_eq!(text_, text, "a bit of byte {end}");
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let (bytes, knobs) = knobs::<4>(input);
    let found = unpack(bytes);
    match (unpack(Pieces::new(bytes, knobs[0])), &found) {
        (Ok(pieces), Ok(whole)) => assert_eq!(pieces, *whole),
        // Of two things that are wrong it may be either.
        (Err(_), Err(_)) => {}
        // Damage behind what is looked at is met where more is unpacked at a time.
        (Ok(some), Err(_)) => assert_eq!(some.len() as u64, MOST),
        (Err(_), Ok(some)) => assert_eq!(some.len() as u64, MOST),
    }
    match Packing::of(bytes) {
        Packing::Gzip => {
            let mut expected = Vec::new();
            let slowly = MultiGzDecoder::new(bytes)
                .take(MOST)
                .read_to_end(&mut expected);
            if let Ok(found) = &found {
                assert!(slowly.is_ok());
                assert_eq!(*found, expected);
            }
        }
        Packing::Zstd => {}
        Packing::None => {
            if let Ok(found) = found {
                assert_eq!(found, bytes);
                packed(bytes, knobs, gzip, 2);
                packed(bytes, knobs, zstd, 4);
            }
        }
    }
});
