//! Prices and quantities.

use super::Fate::{Dropped, Kept, Quarantined};
use super::{Case, column};

const UTF_8: &str = "[source]\nencoding = 'utf-8'\n";

pub(super) fn cases() -> Vec<Case> {
    let text = str::to_owned;
    let too_large = Quarantined("out_of_range");
    let no_price = Quarantined("unit_price");
    let no_quantity = Quarantined("quantity");
    let prices = vec![
        ("1e400", text("1e400"), too_large),
        (
            "exponent-of-20-digits",
            text("1e99999999999999999999"),
            too_large,
        ),
        ("nan", text("NaN"), Quarantined("not_finite")),
        ("inf", text("inf"), Quarantined("not_finite")),
        (
            "minus-infinity",
            text("-Infinity"),
            Quarantined("not_finite"),
        ),
        ("minus-zero", text("-0"), Dropped("unit_price")),
        ("zero", text("0"), Dropped("unit_price")),
        ("negative", text("-11062.06"), Dropped("unit_price")),
        ("1e-400", text("1e-400"), Dropped("unit_price")),
        ("thousands-comma", text("\"1,234.5\""), no_price),
        (
            "thousands-comma-unquoted",
            text("1,234.5"),
            Quarantined("field_count"),
        ),
        ("thousands-point", text("\"1.234,5\""), no_price),
        ("decimal-comma", text("\"1,5\""), no_price),
        ("thousands-space", text("1 234.5"), no_price),
        ("thousands-apostrophe", text("1'234.5"), no_price),
        ("thousands-underscore", text("1_234.5"), no_price),
        ("hex", text("0x1F"), no_price),
        ("currency-sign", text("$1.50"), no_price),
        ("currency-code", text("1.50 GBP"), no_price),
        ("percent", text("50%"), no_price),
        ("in-brackets", text("(1.50)"), no_price),
        ("minus-behind", text("1.50-"), no_price),
        ("two-points", text("1.2.3"), no_price),
        ("two-signs", text("--1"), no_price),
        ("true", text("true"), no_price),
        ("null", text("NULL"), no_price),
        ("excel-error", text("#DIV/0!"), no_price),
        ("formula", text("=1+1"), no_price),
        ("nothing", text(""), Quarantined("missing")),
        ("spaces-alone", text("   "), Quarantined("missing")),
        ("spaces-around", text(" 1.50 "), Kept),
        ("plus", text("+1.5"), Kept),
        ("exponent", text("1.5E+2"), Kept),
        ("point-first", text(".5"), Kept),
        ("point-last", text("5."), Kept),
        ("5000-digits", "9".repeat(5_000), too_large),
        ("5000-places", format!("1.{}", "3".repeat(5_000)), Kept),
        (
            "5000-zeros-first",
            format!("{}1.5", "0".repeat(5_000)),
            Kept,
        ),
        ("largest", text("499999999999"), Kept),
        ("1e12", text("1e12"), too_large),
        ("1e15", text("1000000000000000"), too_large),
    ];
    let quantities = vec![
        ("half", text("1.5"), no_quantity),
        ("whole-with-point", text("6.0"), Kept),
        ("exponent", text("1e3"), Kept),
        ("zero", text("0"), Kept),
        ("minus-zero", text("-0"), Kept),
        ("minus", text("-3"), Kept),
        ("largest", text("799999999999"), Kept),
        ("1e12", text("1000000000000"), too_large),
        ("20-digits", text("99999999999999999999"), too_large),
        ("minus-20-digits", text("-99999999999999999999"), too_large),
        ("2-to-the-63", text("9223372036854775808"), too_large),
        ("minus-2-to-the-63", text("-9223372036854775808"), too_large),
        ("1e400", text("1e400"), too_large),
        ("nan", text("nan"), Quarantined("not_finite")),
        ("thousands-comma", text("\"1,000\""), no_quantity),
        ("hex", text("0x10"), no_quantity),
        ("word", text("twelve"), no_quantity),
        ("unit", text("12 pcs"), no_quantity),
        ("nothing", text(""), Quarantined("missing")),
        ("5000-digits", "1".repeat(5_000), too_large),
        ("5000-zeros-first", format!("{}1", "0".repeat(5_000)), Kept),
        ("1e-400", text("1e-400"), Kept),
        ("19-places", text("1.0000000000000000001"), Kept),
    ];
    let letters = vec![
        ("wide-digits", text("\u{ff11}\u{ff12}"), no_price),
        ("arabic-digits", text("\u{663}\u{664}"), no_price),
        ("unicode-minus", text("\u{2212}5"), no_price),
        ("superscript", text("5\u{b2}"), no_price),
        ("hard-space", text("\u{a0}5\u{a0}"), Kept),
    ];
    [
        column("UnitPrice", "", prices),
        column("Quantity", "", quantities),
        column("UnitPrice", UTF_8, letters),
    ]
    .into_iter()
    .flatten()
    .collect()
}
