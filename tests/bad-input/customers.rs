//! Rows without fault that leave strange customers, or none.

use super::export::{GOOD, HEADER, good, row};
use super::{Case, Depth, Expect, kept, refused};

/// Lines of customers, all else being equal: invoice, customer, quantity, price, day.
fn lines(count: u64, line: impl Fn(u64) -> (u64, u64, i64, String, u64)) -> Vec<u8> {
    let text = |n: u64| {
        let (invoice, customer, quantity, price, day) = line(n);
        let (month, day) = (1 + day / 28 % 12, 1 + day % 28);
        format!("{invoice},A1,thing,{quantity},{month}/{day}/2011 12:00,{price},{customer},UK\n")
    };
    format!("{HEADER}{}", (0..count).map(text).collect::<String>()).into()
}

fn alike(count: u64) -> Vec<u8> {
    lines(count, |n| (n, n, 2, "1.25".to_owned(), 7))
}

/// The export with something else in place of `from`.
fn instead(from: &str, to: &str) -> Vec<u8> {
    good().replace(from, to).into()
}

pub(super) fn cases() -> Vec<Case> {
    let nobody = |why: &[&'static str]| {
        refused(&[&["no customer is left of 300 rows", "300 "][..], why].concat())
    };
    let whole = Depth::Whole;
    vec![
        Case::new(
            "one-customer.csv",
            refused(&["1 customer", "at least 11"]),
            || lines(50, |n| (n, 7, 1, "1".to_owned(), n)),
        ),
        Case::new(
            "one-customer-less-than-segments.csv",
            refused(&["10 customers", "at least 11"]),
            || alike(10),
        ),
        Case::new("as-many-customers-as-segments.csv", kept(11), || {
            lines(11, |n| (n, n, 1 + n as i64, "1".to_owned(), n))
        })
        .to(whole),
        Case::new("all-customers-alike.csv", kept(60), || alike(60)).to(whole),
        Case::new("customers-of-two-kinds.csv", kept(60), || {
            lines(60, |n| {
                (n, n, if n % 2 == 0 { 1 } else { 1_000 }, "1".to_owned(), 7)
            })
        })
        .to(whole),
        Case::new("one-customer-unlike-all-others.csv", kept(61), || {
            lines(61, |n| {
                (
                    n,
                    n,
                    if n == 30 { 900_000_000 } else { 1 },
                    "1".to_owned(),
                    7,
                )
            })
        })
        .to(whole),
        Case::new("revenues-over-eighteen-magnitudes.csv", kept(60), || {
            lines(60, |n| {
                (n, n, 10_i64.pow((n % 12) as u32), "0.04".to_owned(), n)
            })
        })
        .to(whole),
        Case::new(
            "one-purchase-in-1970-and-one-in-9998.csv",
            kept(GOOD),
            || {
                good()
                    .replacen("/2011", "/1970", 1)
                    .replacen("/2011", "/9998", 1)
                    .into()
            },
        )
        .to(whole),
        Case::new("guests-alone.csv", kept(GOOD), || {
            let guest = |line: &str| {
                let mut fields: Vec<&str> = line.split(',').collect();
                if fields[6] != "CustomerID" {
                    fields[6] = "";
                }
                fields.join(",") + "\n"
            };
            good().lines().map(guest).collect::<String>().into()
        })
        .to(whole),
        Case::new(
            "returns-alone.csv",
            nobody(&["are returns", "is its sign right?"]),
            || lines(GOOD, |n| (n, n % 20, -1, "1".to_owned(), n)),
        ),
        Case::new("quantities-of-zero.csv", nobody(&["quantity of 0"]), || {
            lines(GOOD, |n| (n, n % 20, 0, "1".to_owned(), n))
        }),
        Case::new(
            "all-dropped-by-stock-code.csv",
            nobody(&["cleaning.excluded_stock_codes"]),
            || {
                lines(GOOD, |n| (n, n % 20, 1, "1".to_owned(), n))
                    .split(|&b| b == b'\n')
                    .flat_map(|line| {
                        [
                            &String::from_utf8_lossy(line)
                                .replace(",A1,", ",POST,")
                                .into_bytes()[..],
                            b"\n",
                        ]
                        .concat()
                    })
                    .collect()
            },
        ),
        Case::new(
            "all-dropped-by-country.csv",
            nobody(&["cleaning.excluded_countries"]),
            || instead("United Kingdom", "Unspecified"),
        ),
        Case::new(
            "all-dropped-by-price.csv",
            nobody(&["cleaning.min_unit_price"]),
            || lines(GOOD, |n| (n, n % 20, 1, "0.039".to_owned(), n)),
        ),
        Case::new(
            "all-of-an-excluded-customer.csv",
            nobody(&["cleaning.excluded_customers"]),
            || lines(GOOD, |n| (n, 16_446, 1, "1".to_owned(), n)),
        ),
        Case::new(
            "all-guests-dropped.csv",
            nobody(&["cleaning.guests"]),
            || {
                let text = good();
                (1..=20)
                    .fold(text, |text, n| {
                        text.replace(&format!(",{},", 12_000 + n), ",,")
                    })
                    .into()
            },
        )
        .with("[cleaning]\nguests = 'drop'\n"),
        Case::new("more-returned-than-bought.csv", kept(2 * GOOD), || {
            let returned = |n: u64| {
                row(n)
                    .replacen("53", "C53", 1)
                    .replacen(",thing", ",back", 1)
            };
            let bought = good();
            let back: String = (0..GOOD)
                .map(returned)
                .map(|line| {
                    let fields: Vec<&str> = line.split(',').collect();
                    let mut fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
                    "-9".clone_into(&mut fields[3]);
                    fields.join(",")
                })
                .collect();
            format!("{bought}{back}").into()
        })
        .to(whole),
        Case::new(
            "customer-of-200000-invoices.csv",
            kept(200_000 + 19),
            || {
                lines(200_019, |n| {
                    let customer = if n < 200_000 { 7 } else { n };
                    (n, customer, 1, "1.01".to_owned(), n % 336)
                })
            },
        )
        .to(whole),
        Case::new(
            "customer-of-one-invoice-of-100000-lines.csv",
            kept(100_000 + 19),
            || {
                lines(100_019, |n| {
                    if n < 100_000 {
                        (1, 7, 1, "1.01".to_owned(), 5)
                    } else {
                        (n, n, 1, "2".to_owned(), 6)
                    }
                })
            },
        ),
        Case::new(
            "one-percent-unreadable.csv",
            Expect::Done {
                kept: 297,
                dropped: Vec::new(),
                quarantined: vec![("field_count", 3)],
            },
            || {
                let rows: String = (0..297).map(row).collect();
                format!("{HEADER}{rows}{}", "x\n".repeat(3)).into()
            },
        ),
        Case::new(
            "more-than-one-percent-unreadable.csv",
            refused(&["4 of 300 rows", "line 298", "max_quarantined_share"]),
            || {
                let rows: String = (0..296).map(row).collect();
                format!("{HEADER}{rows}{}", "x\n".repeat(4)).into()
            },
        ),
    ]
}
