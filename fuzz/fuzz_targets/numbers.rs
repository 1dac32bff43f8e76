//! Quantities, prices and amounts are the numbers that were written, to the last place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::settings::{Decimal, DecimalError, Settings};
use shared::transactions::header::Header;
use shared::transactions::line::LineReader;
use shared::transactions::quarantine::{Defect, Reason};
use shared::transactions::records::Shape;

const HEADER: &str = "InvoiceNo\u{1}StockCode\u{1}Description\u{1}Quantity\u{1}InvoiceDate\u{1}UnitPrice\u{1}CustomerID\u{1}Country";
const PLACES: usize = 18;

/// The number on paper: the point is moved by writing zeros, the places past the 18th are
/// compared with a half.
fn slowly(text: &str) -> Result<i128, DecimalError> {
    let text = text.to_ascii_lowercase();
    let (minus, text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, &text[..]),
    };
    if ["nan", "inf", "infinity"].contains(&text) {
        return Err(DecimalError::NotFinite);
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (down, exponent) = match exponent.strip_prefix(['-', '+']) {
        Some(rest) => (exponent.starts_with('-'), rest),
        None => (false, exponent),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !is_number(&format!("{whole}{fraction}")) || !is_number(exponent) {
        return Err(DecimalError::Syntax);
    }
    // More zeros than this change nothing.
    let most = text.len() + 60;
    let shift = exponent.parse().unwrap_or(most).min(most);
    let zeros = "0".repeat(shift);
    let (digits, point) = if down {
        (format!("{zeros}{whole}{fraction}"), whole.len())
    } else {
        let digits = format!("{whole}{fraction}{zeros}");
        (digits, whole.len() + shift)
    };
    let digits = format!("{digits}{}", "0".repeat(PLACES));
    let (units, rest) = digits.split_at(point + PLACES);
    let units = units.trim_start_matches('0');
    if units.len() > 15 + PLACES {
        return Err(DecimalError::OutOfRange);
    }
    let mut units: i128 = if units.is_empty() {
        0
    } else {
        units.parse().unwrap()
    };
    let half = format!("5{}", "0".repeat(rest.len().saturating_sub(1)));
    if !rest.is_empty() && (rest > half.as_str() || rest == half && units % 2 == 1) {
        units += 1;
    }
    if units.to_string().len() > 15 + PLACES {
        return Err(DecimalError::OutOfRange);
    }
    Ok(if minus { -units } else { units })
}

fn reason(error: DecimalError, syntax: Reason) -> Reason {
    match error {
        DecimalError::Syntax => syntax,
        DecimalError::NotFinite => Reason::NotFinite,
        DecimalError::OutOfRange => Reason::OutOfRange,
    }
}

fn quantity(text: &str) -> Result<i64, Reason> {
    if text.is_empty() {
        return Err(Reason::Missing);
    }
    let units = slowly(text).map_err(|e| reason(e, Reason::Quantity))?;
    if units % Decimal::ONE != 0 {
        return Err(Reason::Quantity);
    }
    let whole = (units / Decimal::ONE) as i64;
    if whole.abs() >= 1_000_000_000_000 {
        return Err(Reason::OutOfRange);
    }
    Ok(whole)
}

fn price(text: &str) -> Result<i128, Reason> {
    if text.is_empty() {
        return Err(Reason::Missing);
    }
    slowly(text).map_err(|e| reason(e, Reason::UnitPrice))
}

/// Quantity, price and amount of a line.
fn line(quantity_: &str, price_: &str) -> Result<(i64, i128, i128), Defect> {
    let quantity = quantity(quantity_.trim()).map_err(|e| Defect::of("quantity", e))?;
    let price = price(price_.trim()).map_err(|e| Defect::of("unit_price", e))?;
    let amount = price.checked_mul(i128::from(quantity));
    let limit = 1_000_000_000_000 * Decimal::ONE;
    match amount {
        Some(amount) if amount.abs() < limit => Ok((quantity, price, amount)),
        _ => Err(Defect::of_row(Reason::OutOfRange)),
    }
}

fn reader() -> LineReader {
    let mut settings = Settings::default();
    settings.source.delimiter = '\u{1}';
    let columns = &settings.source.columns;
    let header = Header::read(HEADER, Shape::Plain, 1, columns, "f").unwrap();
    LineReader::new(header, &settings).unwrap()
}

thread_local! {
    static READER: std::cell::RefCell<LineReader> = reader().into();
}

fuzz_target!(|input: &str| {
    let (one, other) = input.split_once('\n').unwrap_or((input, "1"));
    for text in [one, other] {
        let found = Decimal::parse(text.as_bytes());
        assert_eq!(found.map(|d| d.0), slowly(text), "{text:?}");
        if let Ok(found) = found {
            let (whole, rest) = (found.0 / Decimal::ONE, found.0 % Decimal::ONE);
            let sign = if found.0 < 0 { "-" } else { "" };
            let written = format!("{sign}{}.{:018}", whole.abs(), rest.abs());
            assert_eq!(written.parse(), Ok(found), "{written}");
            let nearest: f64 = written.parse().unwrap();
            assert_eq!(found.to_f64(), nearest, "{written}");
        }
    }
    if input.contains('\u{1}') {
        return;
    }
    for (quantity, price) in [(one, other), (other, one)] {
        let record =
            format!("1\u{1}A\u{1}x\u{1}{quantity}\u{1}1/1/2011 9:00\u{1}{price}\u{1}7\u{1}UK");
        let found = READER.with_borrow_mut(|reader| {
            let line = reader.read(&record, Shape::Plain)?;
            Ok((line.quantity, line.unit_price.0, line.amount.0))
        });
        assert_eq!(found, line(quantity, price), "{record:?}");
    }
});
