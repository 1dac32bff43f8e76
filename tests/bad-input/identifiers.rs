//! Ids of customers and invoices.

use super::Fate::{Dropped, Kept, Quarantined};
use super::export::{GOOD, cell, rows};
use super::{Case, column, kept, refused};

const UTF_8: &str = "[source]\nencoding = 'utf-8'\n";
const SEQUENTIAL: &str = "[cleaning]\nguests = 'sequential'\n";

/// A row of the guest of `invoice`, and one of a customer whose id is `id`.
fn guest_and(invoice: &str, id: &str) -> Vec<u8> {
    let guest = cell("CustomerID", "").replacen("540000", invoice, 1);
    rows(&format!("{guest}{}", cell("CustomerID", id)))
}

pub(super) fn cases() -> Vec<Case> {
    let text = str::to_owned;
    let mut cases = column(
        "CustomerID",
        UTF_8,
        vec![
            ("leading-zeros", text("00012001"), Kept),
            ("point-zero", text("12001.0"), Kept),
            ("spaces-around", text("  12001  "), Kept),
            ("spaces-inside", text("12 001"), Kept),
            ("spaces-alone", text("   "), Kept),
            ("nothing", text(""), Kept),
            ("nan", text("NaN"), Kept),
            ("uuid", text("3f2504e0-4f89-11d3-9a0c-0305e82c3301"), Kept),
            ("letters", text("m\u{fc}ller-\u{65e5}\u{672c}"), Kept),
            ("emoji", text("\u{1f600}"), Kept),
            ("hidden-space", text("12001\u{200b}"), Kept),
            ("quotes", text("\"a \"\"b\"\"\""), Kept),
            ("line-end", text("\"a\nb\""), Kept),
            ("delimiter", text("\"a,b\""), Kept),
            ("sql", text("'; drop table insiders.runs; --"), Kept),
            ("path", text("../../../etc/passwd"), Kept),
            ("formula", text("=1+1"), Kept),
            ("script", text("<script>alert(1)</script>"), Kept),
            ("backslash-n", text("\\N"), Kept),
            ("40-digits", "9".repeat(40), Kept),
            ("60000-letters", "x".repeat(60_000), Kept),
            ("nul", text("12\u{0}001"), Quarantined("nul")),
            ("excluded", text("16446"), Dropped("customer")),
        ],
    );
    cases.extend(column(
        "InvoiceNo",
        UTF_8,
        vec![
            ("of-other-customers", text("536000"), Kept),
            ("nothing", text(""), Quarantined("missing")),
            ("spaces-alone", text("   "), Quarantined("missing")),
            ("leading-zeros", text("00536000"), Kept),
            ("cancelled", text("C536000"), Kept),
            ("letters", text("\u{65e5}\u{672c}"), Kept),
            ("line-end", text("\"a\nb\""), Kept),
            ("60000-letters", "x".repeat(60_000), Kept),
        ],
    ));
    let both = [
        "is a customer's and a guest's",
        "cleaning.guests",
        "column customer_id",
    ];
    cases.extend([
        Case::new("one-invoice-of-all-customers.csv", kept(GOOD + 20), || {
            let row = |n: u64| cell("CustomerID", &(12_001 + n).to_string());
            rows(&(0..20).map(row).collect::<String>())
        }),
        Case::new("guest-with-a-customers-id.csv", refused(&both), || {
            guest_and("540000", "guest-540000")
        }),
        Case::new(
            "sequential-guest-with-a-customers-id.csv",
            refused(&both),
            || guest_and("540000", "19000"),
        )
        .with(SEQUENTIAL),
        Case::new(
            "guest-with-a-customers-id-and-line-end.csv",
            refused(&both),
            || guest_and("\"a\nb\"", "\"guest-a\nb\""),
        ),
        Case::new(
            "guest-with-a-customers-id-of-30000-letters.csv",
            refused(&both),
            || {
                let invoice = "x".repeat(30_000);
                guest_and(&invoice, &format!("guest-{invoice}"))
            },
        ),
        Case::new("guest-of-every-row.csv", kept(GOOD + 1_000), || {
            let row =
                |n: u64| cell("CustomerID", "").replacen("540000", &(600_000 + n).to_string(), 1);
            rows(&(0..1_000).map(row).collect::<String>())
        }),
    ]);
    cases
}
