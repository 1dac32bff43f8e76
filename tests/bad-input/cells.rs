//! Cells that mean something to whoever shows them: spreadsheets, browsers, terminals, SQL.

use super::Fate::{Dropped, Kept};
use super::{Case, column};

pub(super) fn cases() -> Vec<Case> {
    let one = |name, text: &str, fate| (name, text.to_owned(), fate);
    let descriptions = vec![
        one("formula", "=cmd|' /C calc'!A0", Kept),
        one("formula-plus", "+SUM(1+1)*cmd|' /C calc'!A0", Kept),
        one("formula-minus", "-1+1", Kept),
        one("formula-at", "@SUM(A1:A9)", Kept),
        one(
            "formula-hyperlink",
            "\"=HYPERLINK(\"\"http://example.com\"\",\"\"x\"\")\"",
            Kept,
        ),
        one("script", "<script>alert(document.cookie)</script>", Kept),
        one("script-end", "</script><script>alert(1)</script>", Kept),
        one("image", "<img src=x onerror=alert(1)>", Kept),
        one("comment-of-html", "<!-- <script>", Kept),
        one("entity", "&lt;script&gt;", Kept),
        one("template", "{{7*7}}${7*7}<%= 7*7 %>", Kept),
        one("sql", "'; drop table insiders.runs; --", Kept),
        one("shell", "$(rm -rf /); `id`", Kept),
        one("path", "..\\..\\..\\windows\\win.ini", Kept),
        one("format", "%s%s%s%n{0}{}", Kept),
        one("json", "\"{\"\"a\"\": [1, 2]}\"", Kept),
        one("nothing", "", Dropped("no_description")),
        one("null", "NULL", Dropped("no_description")),
        one("nan", "nan", Dropped("no_description")),
        one("spaces-alone", "   ", Kept),
        ("60000-brackets", "[".repeat(60_000), Kept),
    ];
    let codes = vec![
        one("letters", "POSTAGE", Dropped("stock_code")),
        one("nothing", "", Kept),
        one("spaces-around", " 85123A ", Kept),
        one("formula", "=1+1", Kept),
        ("60000-letters", "a".repeat(60_000), Dropped("stock_code")),
        (
            "60000-letters-and-a-digit",
            format!("{}1", "a".repeat(60_000)),
            Kept,
        ),
    ];
    let countries = vec![
        one("nothing", "", Kept),
        one("excluded", "Unspecified", Dropped("country")),
        one("excluded-in-capitals", "UNSPECIFIED", Kept),
        one("script", "<script>alert(1)</script>", Kept),
        ("60000-letters", "x".repeat(60_000), Kept),
    ];
    [
        column("Description", "", descriptions),
        column("StockCode", "", codes),
        column("Country", "", countries),
    ]
    .into_iter()
    .flatten()
    .collect()
}
