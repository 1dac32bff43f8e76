//! Compressed files: whole, damaged, packed twice, and bombs.

use std::io::Write;

use super::export::{GOOD, HEADER, body, good};
use super::{Case, Depth, kept, refused};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("memory takes all");
    packed.finish().expect("memory takes all")
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).expect("memory takes all")
}

/// `times` times `piece` after `start`, packed.
fn bomb<W: Write>(mut packed: W, start: &[u8], piece: &[u8], times: usize) -> W {
    packed.write_all(start).expect("memory takes all");
    for _ in 0..times {
        packed.write_all(piece).expect("memory takes all");
    }
    packed
}

fn gzip_bomb(start: &[u8], piece: &[u8], times: usize) -> Vec<u8> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb(packed, start, piece, times)
        .finish()
        .expect("memory takes all")
}

fn zstd_bomb(start: &[u8], piece: &[u8], times: usize, window: u32) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 1).expect("the level exists");
    packed.window_log(window).expect("the window exists");
    bomb(packed, start, piece, times)
        .finish()
        .expect("memory takes all")
}

const MIB: usize = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    let damaged = || refused(&["can't be unpacked", "damaged"]);
    let wide = || refused(&["window is larger than 128 MiB", "--long=27"]);
    vec![
        Case::new("gzip.csv", kept(GOOD), || gzip(good().as_bytes())),
        Case::new("gzip-of-two-members.csv.gz", kept(GOOD), || {
            [gzip(HEADER.as_bytes()), gzip(body().as_bytes())].concat()
        }),
        Case::new("gzip-of-one-byte-members.csv.gz", kept(GOOD), || {
            let text = [&b"\xef\xbb\xbf"[..], good().as_bytes()].concat();
            text.chunks(1).flat_map(gzip).collect()
        }),
        Case::new("gzip-with-empty-members.csv.gz", kept(GOOD), || {
            let (nothing, text) = (gzip(b""), good());
            let (start, end) = text.split_at(1000);
            [
                &nothing,
                &gzip(start.as_bytes()),
                &nothing,
                &gzip(end.as_bytes()),
                &nothing,
            ]
            .map(|member| &member[..])
            .concat()
        }),
        Case::new("gzip-of-nothing.csv.gz", refused(&["is empty"]), || {
            gzip(b"")
        }),
        Case::new("gzip-header-alone.csv.gz", damaged(), || {
            gzip(good().as_bytes())[..10].to_vec()
        }),
        Case::new("gzip-magic-alone.csv.gz", damaged(), || {
            b"\x1f\x8b".to_vec()
        }),
        Case::new("gzip-truncated.csv.gz", damaged(), || {
            let packed = gzip(good().as_bytes());
            packed[..packed.len() / 2].to_vec()
        }),
        Case::new("gzip-without-last-byte.csv.gz", damaged(), || {
            let mut packed = gzip(good().as_bytes());
            packed.pop();
            packed
        }),
        Case::new("gzip-second-member-truncated.csv.gz", damaged(), || {
            let second = gzip(body().as_bytes());
            [&gzip(good().as_bytes())[..], &second[..second.len() / 2]].concat()
        }),
        Case::new("gzip-wrong-checksum.csv.gz", damaged(), || {
            let mut packed = gzip(good().as_bytes());
            let at = packed.len() - 8;
            packed[at] ^= 1;
            packed
        }),
        Case::new("gzip-flipped-bit.csv.gz", damaged(), || {
            let mut packed = gzip(good().as_bytes());
            let at = packed.len() / 2;
            packed[at] ^= 0x10;
            packed
        }),
        Case::new("gzip-trailing-garbage.csv.gz", damaged(), || {
            [&gzip(good().as_bytes())[..], b"and so on"].concat()
        }),
        Case::new("gzip-trailing-zeros.csv.gz", damaged(), || {
            [&gzip(good().as_bytes())[..], &[0; 512]].concat()
        }),
        Case::new("gzip-in-gzip.csv.gz", refused(&["packed twice"]), || {
            gzip(&gzip(good().as_bytes()))
        }),
        Case::new("zstd-in-gzip.csv.gz", refused(&["packed twice"]), || {
            gzip(&zstd(good().as_bytes()))
        }),
        Case::new("xlsx-in-gzip.csv.gz", refused(&["Excel"]), || {
            gzip(b"PK\x03\x04\x14\0\x06\0\x08\0")
        }),
        Case::new("zstd.csv", kept(GOOD), || zstd(good().as_bytes())),
        Case::new("zstd-of-two-frames.csv.zst", kept(GOOD), || {
            [zstd(HEADER.as_bytes()), zstd(body().as_bytes())].concat()
        }),
        Case::new("zstd-with-empty-frames.csv.zst", kept(GOOD), || {
            [
                zstd(b""),
                zstd(HEADER.as_bytes()),
                zstd(b""),
                zstd(body().as_bytes()),
            ]
            .concat()
        }),
        Case::new("zstd-of-nothing.csv.zst", refused(&["is empty"]), || {
            zstd(b"")
        }),
        Case::new("zstd-truncated.csv.zst", damaged(), || {
            let packed = zstd(good().as_bytes());
            packed[..packed.len() / 2].to_vec()
        }),
        Case::new("zstd-magic-alone.csv.zst", damaged(), || {
            b"\x28\xb5\x2f\xfd".to_vec()
        }),
        Case::new("zstd-trailing-garbage.csv.zst", damaged(), || {
            [&zstd(good().as_bytes())[..], b"and so on"].concat()
        }),
        Case::new("zstd-window-of-1-gib.csv.zst", wide(), || {
            zstd_bomb(b"", good().as_bytes(), 10, 30)
        }),
        Case::new("zstd-window-of-256-mib.csv.zst", wide(), || {
            zstd_bomb(b"", good().as_bytes(), 1, 28)
        }),
        Case::new("gzip-bomb-of-one-line.csv.gz", refused(&["64 KiB"]), || {
            gzip_bomb(b"", &[b'x'; MIB], 400)
        })
        .to(Depth::Watched(64)),
        Case::new(
            "gzip-bomb-of-blank-lines.csv.gz",
            refused(&["not one row"]),
            || gzip_bomb(HEADER.as_bytes(), &[b'\n'; MIB], 400),
        )
        .to(Depth::Watched(64)),
        Case::new(
            "gzip-bomb-of-long-rows.csv.gz",
            refused(&["max_quarantined_share"]),
            || {
                let row = [&[b'x'; 65_000][..], b"\n"].concat();
                gzip_bomb(good().as_bytes(), &row, 3_000)
            },
        )
        .to(Depth::Watched(64)),
        Case::new(
            "zstd-bomb-of-one-line.csv.zst",
            refused(&["64 KiB"]),
            || zstd_bomb(b"", &[b'x'; MIB], 400, 20),
        )
        .to(Depth::Watched(64)),
        Case::new(
            "zstd-bomb-with-wide-window.csv.zst",
            refused(&["64 KiB"]),
            || zstd_bomb(b"", &[b'x'; MIB], 400, 27),
        )
        .to(Depth::Watched(192)),
    ]
}
