//! Dates of another format, that do not exist, or that no shop has.

use super::Fate::{Kept, Quarantined};
use super::export::{GOOD, good};
use super::{Case, Depth, column, kept, refused};

pub(super) fn cases() -> Vec<Case> {
    let date = Quarantined("date");
    let one = |name, text: &str, fate| (name, text.to_owned(), fate);
    let mut cases = column(
        "InvoiceDate",
        "",
        vec![
            one("iso", "2011-06-15 12:00", date),
            one("iso-with-t", "2011-06-15T12:00:00", date),
            one("day-first", "31/12/2011 9:00", date),
            one("points", "15.06.2011 12:00", date),
            one("month-by-name", "15-Jun-2011 12:00", date),
            one("two-digit-year", "6/15/11 12:00", date),
            one("without-time", "6/15/2011", date),
            one("with-seconds", "6/15/2011 12:00:30", date),
            one("pm", "6/15/2011 9:00 PM", date),
            one("utc", "6/15/2011 12:00Z", date),
            one("offset", "6/15/2011 12:00+01:00", date),
            one("zone-name", "6/15/2011 12:00 Europe/London", date),
            one("month-13", "13/1/2011 9:00", date),
            one("month-0", "0/15/2011 9:00", date),
            one("day-0", "6/0/2011 9:00", date),
            one("day-31-of-june", "6/31/2011 9:00", date),
            one("29-february-2011", "2/29/2011 9:00", date),
            one("29-february-1900", "2/29/1900 9:00", date),
            one("29-february-2000", "2/29/2000 9:00", Kept),
            one("29-february-2012", "2/29/2012 9:00", Kept),
            one("24-00", "6/15/2011 24:00", date),
            one("23-60", "6/15/2011 23:60", date),
            one("hour-minus-1", "6/15/2011 -1:00", date),
            one("skipped-by-summer-time", "3/27/2011 1:30", Kept),
            one("year-0", "1/1/0000 9:00", date),
            one("year-1", "1/1/0001 9:00", date),
            one("year-1899", "12/31/1899 9:00", Kept),
            one("year-1969", "12/31/1969 23:59", Kept),
            one("year-9999", "1/1/9999 9:00", Kept),
            one("last-day-of-9999", "12/31/9999 23:59", date),
            one("year-10000", "1/1/10000 9:00", date),
            one("year-minus-1", "1/1/-0001 9:00", date),
            one("serial-of-excel", "40544.375", date),
            one("seconds-of-unix", "1308139200", date),
            one("nothing", "", Quarantined("missing")),
            one("null", "NULL", date),
            one("word", "yesterday", date),
            one("spaces-around", "  6/15/2011 12:00  ", Kept),
            one("zeros-first", "06/05/2011 09:00", Kept),
            one("spaces-between", "6/15/2011   12:00", Kept),
            (
                "5000-digits",
                format!("6/15/{} 12:00", "1".repeat(5_000)),
                date,
            ),
        ],
    );
    cases.push(Case::new(
        "every-date-is-iso.csv",
        refused(&[
            "300 of 300 rows",
            "line 2, column invoice_date",
            "format",
            "source.date_format",
        ]),
        || good().replace("/2011 ", "-2011 ").into(),
    ));
    cases.push(
        Case::new("every-date-is-the-same.csv", kept(GOOD), || {
            let same = |line: &str| {
                let mut fields: Vec<&str> = line.split(',').collect();
                if fields[4] != "InvoiceDate" {
                    fields[4] = "6/15/2011 12:00";
                }
                fields.join(",") + "\n"
            };
            good().lines().map(same).collect::<String>().into()
        })
        .to(Depth::Whole),
    );
    cases
}
