//! Encodings and byte order marks, right and wrong.

use super::Fate::{Kept, Quarantined};
use super::export::{GOOD, HEADER, cell, good, raw_rows};
use super::{Case, kept, quarantined, refused};

const UTF_8: &str = "[source]\nencoding = 'utf-8'\n";

fn utf16(mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    mark.into_iter()
        .chain(good().encode_utf16())
        .flat_map(unit)
        .collect()
}

fn utf32(unit: fn(u32) -> [u8; 4]) -> Vec<u8> {
    std::iter::once('\u{feff}')
        .chain(good().chars())
        .flat_map(|c| unit(c.into()))
        .collect()
}

/// The export with bytes in one description.
fn described(bytes: &[u8]) -> Vec<u8> {
    let row = cell("Description", "@");
    let (before, after) = row.split_once('@').expect("it was put there");
    raw_rows(&[before.as_bytes(), bytes, after.as_bytes()].concat())
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("utf-8-mark.csv", kept(GOOD), || {
            [&b"\xef\xbb\xbf"[..], good().as_bytes()].concat()
        }),
        Case::new("utf-8-mark-twice.csv", kept(GOOD), || {
            [&b"\xef\xbb\xbf\xef\xbb\xbf"[..], good().as_bytes()].concat()
        }),
        Case::new("utf-8-mark-alone.csv", refused(&["is empty"]), || {
            b"\xef\xbb\xbf".to_vec()
        }),
        Case::new(
            "utf-8-mark-in-the-middle.csv",
            quarantined("quantity", 1),
            || raw_rows(&[&b"\xef\xbb\xbf"[..], HEADER.as_bytes()].concat()),
        ),
        Case::new(
            "utf-16-le-mark.csv",
            refused(&["utf-16", "save it as utf-8"]),
            || utf16(true, u16::to_le_bytes),
        ),
        Case::new(
            "utf-16-be-mark.csv",
            refused(&["utf-16", "save it as utf-8"]),
            || utf16(true, u16::to_be_bytes),
        ),
        Case::new("utf-16-le.csv", refused(&["utf-16"]), || {
            utf16(false, u16::to_le_bytes)
        }),
        Case::new("utf-16-be.csv", refused(&["utf-16"]), || {
            utf16(false, u16::to_be_bytes)
        }),
        Case::new("utf-32-le-mark.csv", refused(&["utf-32"]), || {
            utf32(u32::to_le_bytes)
        }),
        Case::new("utf-32-be-mark.csv", refused(&["utf-32"]), || {
            utf32(u32::to_be_bytes)
        }),
        Case::new(
            "latin-1-everywhere-as-utf-8.csv",
            refused(&["can't be read", "line 2", "encoding"]),
            || {
                good()
                    .replace("thing", "th?ng")
                    .bytes()
                    .map(|b| if b == b'?' { 0xef } else { b })
                    .collect()
            },
        )
        .with(UTF_8),
        Case::new("ebcdic.csv", refused(&["is missing"]), || {
            // Letters of code page 037 without one line feed of ASCII.
            b"\xc9\x95\xa5\x96\x89\x83\x85\xd5\x96k\x15".repeat(100)
        }),
        Case::new("nul-in-the-header.csv", refused(&["binary file"]), || {
            good().replacen("Country", "Coun\0try", 1).into()
        }),
        Case::new("header-in-latin-1-as-utf-8.csv", kept(GOOD), || {
            let text = good().replacen('\n', ",Gr\u{fffd}\u{fffd}e\n", 1);
            let mut lines = text.lines();
            let header = lines
                .next()
                .expect("there is a header")
                .replace('\u{fffd}', "?");
            let header: Vec<u8> = header
                .bytes()
                .map(|b| if b == b'?' { 0xdf } else { b })
                .collect();
            lines.fold(header, |mut all, line| {
                all.extend_from_slice(format!("\n{line},x").as_bytes());
                all
            })
        })
        .with(UTF_8),
    ];
    let rows: [(&str, &str, &[u8], super::Fate); 16] = [
        ("pound-sign-in-1252", "", b"\xa3", Kept),
        ("curly-quotes-in-1252", "", b"\x93old\x94", Kept),
        (
            "undefined-byte-of-1252",
            "",
            b"a\x81b",
            Quarantined("encoding"),
        ),
        ("utf-8-read-as-1252", "", "caf\u{e9}".as_bytes(), Kept),
        (
            "utf-8-read-as-1252-undefined",
            "",
            "\u{c1}".as_bytes(),
            Quarantined("encoding"),
        ),
        (
            "latin-1-read-as-utf-8",
            UTF_8,
            b"caf\xe9",
            Quarantined("encoding"),
        ),
        (
            "utf-8-cut-in-a-letter",
            UTF_8,
            b"caf\xc3",
            Quarantined("encoding"),
        ),
        (
            "utf-8-overlong",
            UTF_8,
            b"\xc0\xaf",
            Quarantined("encoding"),
        ),
        (
            "utf-8-surrogate",
            UTF_8,
            b"\xed\xa0\x80",
            Quarantined("encoding"),
        ),
        (
            "utf-8-past-unicode",
            UTF_8,
            b"\xf4\x90\x80\x80",
            Quarantined("encoding"),
        ),
        ("emoji", UTF_8, "\u{1f600}".as_bytes(), Kept),
        (
            "right-to-left-override",
            UTF_8,
            "\u{202e}cod.exe".as_bytes(),
            Kept,
        ),
        (
            "combining-letters",
            UTF_8,
            "e\u{301}\u{302}\u{303}".as_bytes(),
            Kept,
        ),
        ("nul", "", b"a\0b", Quarantined("nul")),
        (
            "control-characters",
            "",
            b"\x01\x07\x08\x1b[31mred\x7f",
            Kept,
        ),
        ("ctrl-z", "", b"\x1a", Kept),
    ];
    cases.extend(rows.into_iter().map(|(name, settings, bytes, fate)| {
        let name = format!("description-{name}.csv");
        Case::new(&name, fate.expect(), move || described(bytes)).with(settings)
    }));
    cases
}
