//! An upload without some of its records, packed as it was.

use std::io::{self, BufReader, Read, Write};

use super::records::{Span, copy_without};
use crate::Result;
use crate::transactions::decompress::{Packing, begin, text, unreadable};

/// Writes `source` to `to` without `spans` of its text; without any, byte for byte. `object`
/// names it in errors.
pub fn rewrite<W: Write>(
    source: impl Read + Send,
    object: &str,
    spans: &[Span],
    mut to: W,
) -> Result<W> {
    let failed = |e| unreadable(object, e);
    let mut source = BufReader::new(source);
    if spans.is_empty() {
        io::copy(&mut source, &mut to).map_err(failed)?;
        return Ok(to);
    }
    // A store may give one byte first.
    let (start, source) = begin(source, Packing::TOLD_BY, object)?;
    let packing = Packing::of(&start);
    let text = text(source, object)?;
    match packing {
        Packing::None => {
            copy_without(text, spans, &mut to).map_err(failed)?;
            Ok(to)
        }
        Packing::Gzip => {
            let mut packed = flate2::write::GzEncoder::new(to, flate2::Compression::default());
            copy_without(text, spans, &mut packed).map_err(failed)?;
            packed.finish().map_err(failed)
        }
        Packing::Zstd => {
            let level = zstd::DEFAULT_COMPRESSION_LEVEL;
            let mut packed = zstd::stream::write::Encoder::new(to, level).map_err(failed)?;
            copy_without(text, spans, &mut packed).map_err(failed)?;
            packed.finish().map_err(failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let length = to.len().min(1);
            self.0.read(&mut to[..length])
        }
    }

    #[test]
    fn what_was_packed_is_packed_the_same_way() {
        let plain = b"head\none\ntwo\nthree\n".to_vec();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        for packed in [
            plain.clone(),
            gzip.finish().unwrap(),
            zstd::encode_all(&plain[..], 1).unwrap(),
        ] {
            assert_eq!(rewrite(&packed[..], "f", &[], Vec::new()).unwrap(), packed);
            let written = rewrite(&packed[..], "f", &[(5, 9), (13, 19)], Vec::new()).unwrap();
            let trickled = rewrite(Trickle(&packed), "f", &[(5, 9), (13, 19)], Vec::new());
            assert_eq!(trickled.unwrap(), written);
            assert_eq!(Packing::of(&written), Packing::of(&packed));
            let mut left = String::new();
            text(&written[..], "f")
                .unwrap()
                .read_to_string(&mut left)
                .unwrap();
            assert_eq!(left, "head\ntwo\n");
        }
    }
}
