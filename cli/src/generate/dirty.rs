//! Rows that can't be read: what exports, spreadsheets and people make of good ones.

use super::lines::{Row, date, end, number, price, quantity, start, two_digits};

/// Kinds of damage, one after the other.
const KINDS: u64 = 10;

/// Writes `row` damaged, in the `n`th way.
pub(super) fn spoil(out: &mut Vec<u8>, row: &Row<'_>, n: u64) {
    let moment = row.invoice.moment;
    let kind = n % KINDS;
    start(out, row);
    if kind == 0 {
        out.extend_from_slice(b"\r\n"); // cut off
        return;
    }
    out.push(b',');
    match kind {
        1 => {
            quantity(out, row.quantity);
            out.push(b'x');
        }
        2 => {} // empty
        3 => out.extend_from_slice(&[0x81, 0x8d, 0xff, 0x00]),
        _ => quantity(out, row.quantity),
    }
    out.push(b',');
    match kind {
        4 => {
            number(out, u64::from(moment.year));
            out.push(b'-');
            two_digits(out, moment.month);
            out.push(b'-');
            two_digits(out, moment.day);
            out.push(b'T');
            two_digits(out, moment.hour);
            out.push(b':');
            two_digits(out, moment.minute);
        }
        5 => out.extend_from_slice(b"2/31/2025 10:00"),
        _ => date(out, moment),
    }
    out.push(b',');
    match kind {
        6 => out.extend_from_slice(b"NaN"),
        7 => out.extend_from_slice(b"1e400"),
        8 => {} // empty
        _ => price(out, row.price),
    }
    out.push(b',');
    if kind == 9 {
        out.extend_from_slice(b"moved,here,"); // fields of another table
    }
    end(out, row);
}
