//! Files that are no CSV, whatever their names say.

use super::export::good;
use super::{Case, refused};

pub(super) fn cases() -> Vec<Case> {
    let starts: [(&str, &[u8], &'static str); 12] = [
        (
            "zip-archive.csv",
            b"PK\x03\x04\x14\0\0\0\x08\0rest",
            "zip archive",
        ),
        (
            "xlsx-workbook.csv",
            b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0[Content_Types].xml",
            "Excel",
        ),
        (
            "empty-zip-archive.csv",
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "zip archive",
        ),
        (
            "xls-workbook.csv",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0",
            "old Excel workbook",
        ),
        ("parquet.csv", b"PAR1\x15\x04\x15\x10\x15\x14", "Parquet"),
        ("pdf.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        ("bzip2.csv", b"BZh91AY&SY\x01\x02\x03", "bzip2"),
        ("xz.csv", b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F", "xz archive"),
        ("7-zip.csv", b"7z\xbc\xaf\x27\x1c\0\x04", "7-Zip"),
        (
            "elf-binary.csv",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
            "binary file",
        ),
        (
            "sqlite.csv",
            b"SQLite format 3\0\x10\0\x01\x01\0@ \0",
            "binary file",
        ),
        (
            "png.csv",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0",
            "is missing",
        ),
    ];
    let mut cases: Vec<Case> = starts
        .into_iter()
        .map(|(name, start, says)| {
            let start = start.to_vec();
            Case::new(name, refused(&[says]), move || {
                // Enough after the start that it is no accident of a short file.
                [&start[..], &[0x9c; 4096]].concat()
            })
        })
        .collect();
    let texts: [(&str, &str); 6] = [
        (
            "html-page.csv",
            "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n",
        ),
        (
            "json.csv",
            "[{\"InvoiceNo\": \"536365\",\n\"Quantity\": 6}]\n",
        ),
        ("xml.csv", "<?xml version=\"1.0\"?>\n<rows><row/></rows>\n"),
        (
            "comment-first.csv",
            "# sales of 2011\nInvoiceNo,StockCode\n",
        ),
        ("sep-line-first.csv", "sep=,\nInvoiceNo,StockCode\n"),
        ("prose.csv", "Dear all,\nplease find the sales attached.\n"),
    ];
    cases.extend(texts.into_iter().map(|(name, text)| {
        Case::new(name, refused(&["'InvoiceNo' is missing"]), move || {
            text.into()
        })
    }));
    cases.push(Case::new(
        "tar-archive.csv",
        refused(&["binary file"]),
        || {
            let mut tar = vec![0; 512];
            tar[..9].copy_from_slice(b"sales.csv");
            [&tar[..], good().as_bytes()].concat()
        },
    ));
    cases.push(Case::new(
        "only-nuls.csv",
        refused(&["binary file"]),
        || vec![0; 4096],
    ));
    cases.push(Case::new("only-ones.csv", refused(&["is missing"]), || {
        vec![0xff; 4095]
    }));
    cases
}
