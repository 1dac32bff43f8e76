//! docs/BAD-INPUT.md: what became of each file, as the tests have seen it.

use std::path::Path;
use std::sync::Mutex;

/// Says that the document is to be written, not read.
const WRITE: &str = "INSIDERS_WRITE_DOCS";
/// The tests that each have a part in the document run at the same time.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Holds one part of the document against what was seen, or writes it.
pub(super) fn hold(part: &str, seen: &str) {
    let _one = DOCUMENT.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/BAD-INPUT.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        format!("<!-- {part} -->\n"),
        format!("<!-- end of {part} -->"),
    );
    let (before, rest) = text.split_once(&begin).expect(&begin);
    let (written, after) = rest.split_once(&end).expect(&end);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{before}{begin}{seen}{end}{after}")).unwrap();
        return;
    }
    let differs = written
        .lines()
        .zip(seen.lines())
        .find(|(written, seen)| written != seen);
    assert!(
        written == seen,
        "docs/BAD-INPUT.md is not current; its first line says how it is made\nit has    {}\nseen is   {}",
        differs.map_or("fewer or more lines", |(written, _)| written),
        differs.map_or("", |(_, seen)| seen),
    );
}

/// Text in a cell of a table.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '|' | '\\' | '*' | '_' | '`' | '[' | '~' => out.extend(['\\', c]),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// So many bytes.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
