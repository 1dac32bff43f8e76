//! Bytes of a record as text. Almost every record is ASCII and is taken as it is.

use std::borrow::Cow;

use crate::settings::Encoding;

/// Bytes that code page 1252 leaves undefined.
const UNDEFINED_1252: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// The text of `bytes`, or `None` where they are none in this encoding.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes)
        && (encoding == Encoding::Utf8 || bytes.is_ascii())
    {
        return Some(Cow::Borrowed(text));
    }
    match encoding {
        Encoding::Utf8 => None,
        Encoding::Windows1252 => {
            if bytes.iter().any(|byte| UNDEFINED_1252.contains(byte)) {
                return None;
            }
            Some(
                encoding_rs::WINDOWS_1252
                    .decode_without_bom_handling(bytes)
                    .0,
            )
        }
    }
}

/// Some text for `bytes`, whatever they are, to show a person what stood there.
pub fn decode_lossy(bytes: &[u8], encoding: Encoding) -> String {
    decode(bytes, encoding)
        .unwrap_or_else(|| String::from_utf8_lossy(bytes))
        .replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pound_sign_is_read_in_both_encodings() {
        assert_eq!(decode(b"\xa320", Encoding::Windows1252).unwrap(), "£20");
        assert_eq!(decode("£20".as_bytes(), Encoding::Utf8).unwrap(), "£20");
        assert_eq!(decode(b"\x80", Encoding::Windows1252).unwrap(), "€");
    }

    #[test]
    fn bytes_that_mean_nothing_are_refused() {
        assert_eq!(decode(b"\xa320", Encoding::Utf8), None);
        assert_eq!(decode(b"\x81", Encoding::Windows1252), None);
        assert_eq!(
            decode_lossy(b"a\0\xff", Encoding::Utf8),
            "a\u{fffd}\u{fffd}"
        );
    }
}
