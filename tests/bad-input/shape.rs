//! Headers, line ends, quotes and numbers of fields.

use std::fmt::Write;

use super::Fate::{Dropped, Kept, Quarantined};
use super::export::{GOOD, HEADER, body, cell, good, raw_rows, row, rows};
use super::{Case, Depth, Expect, dropped, kept, quarantined, refused};

/// Columns that nobody asked for.
fn others(count: usize) -> String {
    (0..count).fold(String::new(), |mut names, n| {
        let _ = write!(names, ",x{n}"); // writing to a String can't fail
        names
    })
}

/// The export under another header.
fn under(header: &str) -> Vec<u8> {
    format!("{header}\n{}", body()).into()
}

fn headers() -> Vec<Case> {
    let plain = HEADER.trim_end();
    let of = |name: &str, says: &[&'static str], header: String| {
        Case::new(name, refused(says), move || under(&header))
    };
    vec![
        of(
            "no-header.csv",
            &["'InvoiceNo' is missing", "holds values"],
            row(0).trim_end().to_owned(),
        ),
        of(
            "header-without-price.csv",
            &["'UnitPrice' is missing", "'CustomerID'"],
            plain.replace("UnitPrice,", ""),
        ),
        of(
            "header-in-lower-case.csv",
            &["is it 'invoiceno'?", "source.columns"],
            plain.to_lowercase(),
        ),
        of(
            "header-with-underscores.csv",
            &["is it 'Invoice_No'?"],
            plain.replace("InvoiceNo", "Invoice_No"),
        ),
        of(
            "header-with-hidden-space.csv",
            &["'InvoiceNo' is missing"],
            plain.replace("InvoiceNo", "Invoice\u{200b}No"),
        ),
        of(
            "header-with-quantity-twice.csv",
            &["'Quantity' stands there twice", "source.columns"],
            format!("{plain},Quantity"),
        ),
        of(
            "header-unclosed-quote.csv",
            &["line 1", "never closed"],
            plain.replace("Country", "\"Country"),
        ),
        of(
            "header-of-100-kb.csv",
            &["longer than 64 KiB"],
            format!("{plain},{}", "x".repeat(100_000)),
        ),
        of(
            "header-of-10000-columns.csv",
            &["10008 columns"],
            format!("{plain}{}", others(10_000)),
        ),
        of(
            "header-with-script.csv",
            &["'InvoiceNo' is missing"],
            "<script>alert(1)</script>,\u{1b}[2J,a".to_owned(),
        ),
        of(
            "semicolons.csv",
            &["delimiter looks like ';'", "source.delimiter"],
            plain.replace(',', ";"),
        ),
        of(
            "tabs.csv",
            &["delimiter looks like '\\t'"],
            plain.replace(',', "\t"),
        ),
        of(
            "pipes.csv",
            &["delimiter looks like '|'"],
            plain.replace(',', "|"),
        ),
        Case::new("header-quoted.csv", kept(GOOD), || {
            let header: Vec<String> = HEADER
                .trim_end()
                .split(',')
                .map(|n| format!("\"{n}\""))
                .collect();
            under(&header.join(","))
        }),
        Case::new("header-with-spaces.csv", kept(GOOD), || {
            under(&HEADER.trim_end().replace(',', " , "))
        }),
        Case::new("header-with-other-column-twice.csv", kept(GOOD), || {
            good()
                .lines()
                .map(|line| format!("{line},x,x\n"))
                .collect::<String>()
                .into()
        }),
        Case::new("header-with-line-end-in-a-name.csv", kept(GOOD), || {
            let text = good().replace('\n', ",x\n");
            text.replacen(",x\n", ",\"a\r\nb\"\n", 1).into()
        }),
        Case::new("columns-in-another-order.csv", kept(GOOD), || {
            let turned = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(",") + "\n";
            good().lines().map(turned).collect::<String>().into()
        }),
        Case::new("900-columns-more.csv", kept(GOOD), || {
            let more = others(900);
            good()
                .lines()
                .map(|line| format!("{line}{more}\n"))
                .collect::<String>()
                .into()
        }),
        Case::new(
            "header-in-the-middle.csv",
            quarantined("quantity", 1),
            || rows(HEADER),
        ),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        Case::new("empty.csv", refused(&["is empty"]), Vec::new),
        Case::new("blank-lines-alone.csv", refused(&["is empty"]), || {
            b"\n\r\n\n".to_vec()
        }),
        Case::new("white-space-alone.csv", refused(&["is missing"]), || {
            b"   \n \t \n".to_vec()
        }),
        Case::new("one-byte.csv", refused(&["is missing"]), || b"x".to_vec()),
        Case::new("header-alone.csv", refused(&["not one row"]), || {
            HEADER.into()
        }),
        Case::new(
            "header-without-line-end.csv",
            refused(&["not one row"]),
            || HEADER.trim_end().into(),
        ),
        Case::new(
            "header-and-blank-lines.csv",
            refused(&["not one row"]),
            || format!("{HEADER}\n\r\n\n").into(),
        ),
        Case::new("cr-lf.csv", kept(GOOD), || {
            good().replace('\n', "\r\n").into()
        }),
        Case::new("cr-cr-lf.csv", kept(GOOD), || {
            good().replace('\n', "\r\r\n").into()
        }),
        Case::new(
            "cr-cr-lf-behind-a-country.csv",
            dropped("country", 1),
            || {
                let one = cell("Country", "Unspecified");
                let text = String::from_utf8_lossy(&rows(&one)).replace('\n', "\r\r\n");
                text.into()
            },
        ),
        Case::new(
            "cr-alone.csv",
            refused(&["carriage return", "save it with"]),
            || good().replace('\n', "\r").into(),
        ),
        Case::new(
            "cr-alone-200-kb.csv",
            refused(&["carriage return", "save it with"]),
            || {
                let rows: String = (0..3_000).map(row).collect();
                format!("{HEADER}{rows}").replace('\n', "\r").into()
            },
        ),
        Case::new(
            "cr-alone-in-the-rows.csv",
            refused(&["of 1 rows", "number of fields"]),
            || format!("{HEADER}{}", body().replace('\n', "\r")).into(),
        ),
        Case::new("mixed-line-ends.csv", kept(GOOD), || {
            let mut number = 0;
            let ends = |line: &str| {
                number += 1;
                format!("{line}{}", if number % 2 == 0 { "\r\n" } else { "\n" })
            };
            good().lines().map(ends).collect::<String>().into()
        }),
        Case::new("no-final-line-end.csv", kept(GOOD), || {
            good().trim_end().into()
        }),
        Case::new("final-cr.csv", kept(GOOD), || {
            format!("{}\r", good().trim_end()).into()
        }),
        Case::new("blank-lines-between.csv", kept(GOOD), || {
            good().replace('\n', "\n\n\r\n").into()
        }),
        Case::new("every-row-twice.csv", kept(2 * GOOD), || {
            format!("{}{}", good(), body()).into()
        }),
        Case::new("line-of-100-mb.csv", quarantined("too_long", 1), || {
            raw_rows(&[&vec![b'x'; 100_000_000][..], b"\n"].concat())
        })
        .to(Depth::Watched(64)),
        Case::new(
            "line-of-100-mb-of-delimiters.csv",
            quarantined("too_long", 1),
            || raw_rows(&[&vec![b','; 100_000_000][..], b"\n"].concat()),
        )
        .to(Depth::Watched(64)),
        Case::new(
            "line-of-100-mb-alone.csv",
            refused(&["longer than 64 KiB"]),
            || vec![b'x'; 100_000_000],
        )
        .to(Depth::Watched(64)),
        Case::new(
            "quote-of-100-mb.csv",
            quarantined("unclosed_quote", 1),
            || {
                // One line end soon, then none: the quote is given up, not the rest of the file.
                let mut text = raw_rows(&[b"1,A1,\"x\n", &b"\n".repeat(100_000_000)[..]].concat());
                text.push(b'\n');
                text
            },
        )
        .to(Depth::Watched(64)),
        Case::new(
            "every-line-opens-a-quote.csv",
            refused(&["never closed"]),
            || {
                // Closed by no line but the last: each has to be given up after 64 KiB.
                format!("{HEADER}{}", "x\",\"\n".repeat(20_000)).into()
            },
        ),
    ]
}

fn fields() -> Vec<Case> {
    let row = || cell("", "").trim_end().to_owned();
    let rows_of: Vec<(&str, String, super::Fate)> = vec![
        (
            "one-field-more",
            format!("{},", row()),
            Quarantined("field_count"),
        ),
        (
            "one-field-less",
            row().replace(",1.25", ""),
            Quarantined("field_count"),
        ),
        ("one-field", "x".to_owned(), Quarantined("field_count")),
        (
            "10000-fields",
            ",".repeat(9_999),
            Quarantined("field_count"),
        ),
        (
            "delimiters-alone",
            ",,,,,,,".to_owned(),
            Quarantined("missing"),
        ),
        ("sums", "Total,,,600,,,,".to_owned(), Quarantined("missing")),
        ("spaces-alone", "   ".to_owned(), Quarantined("field_count")),
        (
            "other-delimiter",
            row().replace(',', ";"),
            Quarantined("field_count"),
        ),
        ("cr-inside", row().replace("thing", "th\ring"), Kept),
        (
            "quote-never-closed",
            row().replace("thing", "\"thing"),
            Quarantined("unclosed_quote"),
        ),
        (
            "quote-inside-a-field",
            row().replace("thing", "5\" nail"),
            Kept,
        ),
        (
            "quote-at-the-end-of-a-field",
            row().replace("thing", "nail 5\""),
            Kept,
        ),
        ("quoted-delimiter", row().replace("thing", "\"a, b\""), Kept),
        (
            "quoted-quote",
            row().replace("thing", "\"5\"\" nail\""),
            Kept,
        ),
        ("quoted-line-end", row().replace("thing", "\"a\nb\""), Kept),
        (
            "quoted-cr-lf",
            row().replace("thing", "\"a\r\n\r\nb\""),
            Kept,
        ),
        (
            "text-after-the-quote",
            row().replace("thing", "\"a\" b"),
            Kept,
        ),
        (
            "quoted-nothing",
            row().replace("thing", "\"\""),
            Dropped("no_description"),
        ),
        (
            "quotes-around-everything",
            format!("\"{}\"", row().replace(',', "\",\"")),
            Kept,
        ),
        (
            "quotes-around-the-whole-row",
            format!("\"{}\"", row()),
            Quarantined("field_count"),
        ),
        (
            "single-quotes",
            row().replace("thing", "'a, b'"),
            Quarantined("field_count"),
        ),
        (
            "backslash-quote",
            row().replace("thing", "\"a \\\" b\""),
            Kept,
        ),
        (
            "quoted-70-kb",
            row().replace("thing", &format!("\"{}\"", "x".repeat(70_000))),
            Quarantined("too_long"),
        ),
        (
            "field-of-60-kb",
            row().replace("thing", &"x".repeat(60_000)),
            Kept,
        ),
        (
            "field-of-70-kb",
            row().replace("thing", &"x".repeat(70_000)),
            Quarantined("too_long"),
        ),
    ];
    let mut cases: Vec<Case> = rows_of
        .into_iter()
        .map(|(name, row, fate)| {
            Case::new(&format!("row-{name}.csv"), fate.expect(), move || {
                rows(&format!("{row}\n"))
            })
        })
        .collect();
    cases.push(Case::new(
        "quote-never-closed-in-the-last-row.csv",
        quarantined("unclosed_quote", 1),
        || format!("{}1,A1,\"x,1,1/1/2011 9:00,1,7,UK", good()).into(),
    ));
    cases.push(Case::new(
        "delimiter-after-every-row.csv",
        refused(&["300 of 300 rows", "number of fields"]),
        || format!("{HEADER}{}", body().replace('\n', ",\n")).into(),
    ));
    cases.push(Case::new(
        "rows-of-many-faults.csv",
        Expect::Done {
            kept: GOOD,
            dropped: vec![("no_description", 1), ("unit_price", 1)],
            quarantined: vec![("date", 1), ("quantity", 1)],
        },
        || {
            let faults = [
                ("Description", ""),
                ("UnitPrice", "0.01"),
                ("Quantity", "two"),
                ("InvoiceDate", "soon"),
            ];
            rows(&faults.map(|(column, value)| cell(column, value)).concat())
        },
    ));
    cases
}

pub(super) fn cases() -> Vec<Case> {
    [headers(), lines(), fields()]
        .into_iter()
        .flatten()
        .collect()
}
