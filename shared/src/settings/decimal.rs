//! Exact decimal numbers: prices, amounts and thresholds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A decimal number with 18 places, as an integer of 10⁻¹⁸: Parquet's and Spark's
/// `DECIMAL(38, 18)`. Money is added in it without rounding, so that no order or splitting
/// of the lines changes a sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

/// Why a text is not a [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not of the form `[+-]digits[.digits][e[+-]digits]`.
    #[error("not a number")]
    Syntax,
    /// `NaN` or an infinity.
    #[error("not a finite number")]
    NotFinite,
    /// Of 10¹⁵ or more.
    #[error("number out of range")]
    OutOfRange,
}

impl Decimal {
    /// Decimal places.
    pub const SCALE: u32 = 18;
    /// One, in units.
    pub const ONE: i128 = 10_i128.pow(Self::SCALE);
    /// Numbers are below 10¹⁵: a line's amount and sums of 10⁸ such lines fit.
    const LIMIT: i128 = 10_i128.pow(15 + Self::SCALE);

    /// `n` / 100.
    pub const fn from_hundredths(n: i128) -> Self {
        Self(n * (Self::ONE / 100))
    }

    /// Reads ASCII text; places past the 18th are rounded half to even.
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let magnitude = match plain(digits) {
            Some(magnitude) => magnitude,
            None => general(digits)?,
        };
        if magnitude >= Self::LIMIT {
            return Err(DecimalError::OutOfRange);
        }
        Ok(Self(if negative { -magnitude } else { magnitude }))
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        // Correct rounding needs one division of exact operands: strip the common factors of
        // ten so that both fit a double's 53 bits whenever the decimal is short.
        let (mut units, mut scale) = (self.0, Self::SCALE);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        if units.unsigned_abs() < (1 << 53) {
            return units as f64 / 10_f64.powi(scale.cast_signed());
        }
        // Longer ones by way of their digits: the standard library's parser rounds correctly.
        format!("{units}e-{scale}").parse().unwrap_or(f64::NAN)
    }
}

/// The common case: up to 15 digits, a point, up to 9 digits, nothing else.
fn plain(digits: &[u8]) -> Option<i128> {
    let mut value: u64 = 0;
    let mut places: Option<u32> = None;
    if digits.is_empty() || digits.len() > 17 {
        return None;
    }
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                if let Some(places) = &mut places {
                    *places += 1;
                }
            }
            b'.' if places.is_none() => places = Some(0),
            _ => return None,
        }
    }
    if digits == b"." {
        return None;
    }
    let missing = Decimal::SCALE.checked_sub(places.unwrap_or(0))?;
    i128::from(value).checked_mul(10_i128.pow(missing))
}

/// Any length, with an exponent.
fn general(text: &[u8]) -> Result<i128, DecimalError> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_slice(), b"nan" | b"inf" | b"infinity") {
        return Err(DecimalError::NotFinite);
    }
    let (mantissa, exponent) = match lower.iter().position(|&byte| byte == b'e') {
        None => (lower.as_slice(), 0),
        Some(at) => {
            let exponent = lower.get(at + 1..).unwrap_or_default();
            let digits = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+"));
            // The parser stops at the digit with which it overflows.
            if !digits.unwrap_or(exponent).iter().all(u8::is_ascii_digit) {
                return Err(DecimalError::Syntax);
            }
            let exponent: i32 = match std::str::from_utf8(exponent).ok().map(str::parse::<i32>) {
                Some(Ok(exponent)) => exponent.clamp(-100_000, 100_000),
                Some(Err(e)) if matches!(e.kind(), std::num::IntErrorKind::PosOverflow) => 100_000,
                Some(Err(e)) if matches!(e.kind(), std::num::IntErrorKind::NegOverflow) => -100_000,
                _ => return Err(DecimalError::Syntax),
            };
            (lower.get(..at).unwrap_or_default(), exponent)
        }
    };
    let point = mantissa
        .iter()
        .position(|&byte| byte == b'.')
        .unwrap_or(mantissa.len());
    let whole = mantissa.get(..point).unwrap_or_default();
    let fraction = mantissa.get(point + 1..).unwrap_or_default();
    if whole.is_empty() && fraction.is_empty()
        || !whole.iter().chain(fraction).all(u8::is_ascii_digit)
    {
        return Err(DecimalError::Syntax);
    }
    round(
        whole.iter().chain(fraction).map(|&byte| byte - b'0'),
        whole.len(),
        exponent,
    )
}

/// The digits as units of 10⁻¹⁸; `whole` of them stand before the point.
fn round(
    digits: impl Iterator<Item = u8>,
    whole: usize,
    exponent: i32,
) -> Result<i128, DecimalError> {
    let whole = i64::try_from(whole).map_err(|_| DecimalError::OutOfRange)?;
    // Place value of the first digit, as a power of ten in units.
    let mut place = whole - 1 + i64::from(exponent) + i64::from(Decimal::SCALE);
    let (mut value, mut half, mut rest) = (0_i128, 0_u8, false);
    for digit in digits {
        if place >= 0 {
            if value >= Decimal::LIMIT {
                return Err(DecimalError::OutOfRange);
            }
            value = value * 10 + i128::from(digit);
        } else if place == -1 {
            half = digit;
        } else {
            rest |= digit != 0;
        }
        place -= 1;
    }
    // Digits that were not written: `1e5` has five zeros to come.
    while place >= 0 && value != 0 {
        if value >= Decimal::LIMIT {
            return Err(DecimalError::OutOfRange);
        }
        value *= 10;
        place -= 1;
    }
    let up = half > 5 || half == 5 && (rest || value % 2 == 1);
    Ok(value + i128::from(up))
}

impl std::str::FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text.trim().as_bytes())
    }
}

/// Every place, without zeros at the end.
impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let one = Self::ONE.unsigned_abs();
        let (whole, rest) = (self.0.unsigned_abs() / one, self.0.unsigned_abs() % one);
        let sign = if self.0 < 0 { "-" } else { "" };
        let places = format!(".{rest:018}");
        let places = places.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{sign}{whole}{places}")
    }
}

/// A number where its nearest double says all of it, else a text: settings are handed on
/// from stage to stage as JSON.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nearest = self.to_f64();
        if nearest.to_string().parse() == Ok(*self) {
            serializer.serialize_f64(nearest)
        } else {
            serializer.collect_str(self)
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A double's shortest text is the decimal that was written, up to 15 digits.
        let text = toml_number(deserializer)?;
        text.parse()
            .map_err(|e| serde::de::Error::custom(format!("'{text}': {e}")))
    }
}

/// A number or a text, as text.
fn toml_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Integer(i64),
        Float(f64),
        Text(String),
    }
    Ok(match Number::deserialize(deserializer)? {
        Number::Integer(n) => n.to_string(),
        Number::Float(x) => x.to_string(),
        Number::Text(text) => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<i128, DecimalError>) {
        assert_eq!(
            Decimal::parse(text.as_bytes()).map(|d| d.0),
            expected,
            "{text}"
        );
    }

    #[test]
    fn decimals_are_read_exactly() {
        let one = Decimal::ONE;
        check("2.55", Ok(255 * one / 100));
        check("-11062.06", Ok(-1_106_206 * one / 100));
        check("+1", Ok(one));
        check(".5", Ok(one / 2));
        check("5.", Ok(5 * one));
        check("1e-3", Ok(one / 1000));
        check("1.5E+2", Ok(150 * one));
        check("0.30000000000000004", Ok(300_000_000_000_000_040));
        check("999999999999999", Ok(999_999_999_999_999 * one));
        check("-0", Ok(0));
        check("0e99999999999", Ok(0));
        check("1e-400", Ok(0));
    }

    #[test]
    fn places_past_the_18th_round_half_to_even() {
        check("0.0000000000000000005", Ok(0));
        check("0.0000000000000000015", Ok(2));
        check("0.00000000000000000051", Ok(1));
        check(
            "0.1000000000000000055511151231257827",
            Ok(100_000_000_000_000_006),
        );
    }

    #[test]
    fn what_is_not_a_number_says_so() {
        for text in [
            "",
            "-",
            ".",
            "1,5",
            "12x",
            "1.2.3",
            "e5",
            "1e",
            "0x10",
            "1 2",
            "--1",
            "0e99999999999x",
            "1e-99999999999x",
            "111e111110555611111111V",
        ] {
            check(text, Err(DecimalError::Syntax));
        }
        check("NaN", Err(DecimalError::NotFinite));
        check("-inf", Err(DecimalError::NotFinite));
        check("1e400", Err(DecimalError::OutOfRange));
        check("1000000000000000", Err(DecimalError::OutOfRange));
    }

    #[test]
    fn what_is_written_is_read_again_to_the_last_place() {
        for (text, json) in [
            ("0.04", "0.04"),
            ("-2", "-2.0"),
            ("0.123456789012345678", "\"0.123456789012345678\""),
            ("-100000000000.000000001", "\"-100000000000.000000001\""),
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(decimal.to_string(), text);
            assert_eq!(serde_json::to_string(&decimal).unwrap(), json);
            assert_eq!(serde_json::from_str::<Decimal>(json).unwrap(), decimal);
        }
    }

    #[test]
    fn the_nearest_double_is_given() {
        for text in [
            "2.55",
            "0.04",
            "1e-18",
            "123456789.123456789",
            "-7.7",
            "0.1",
            "179.0000000001",
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(decimal.to_f64(), text.parse::<f64>().unwrap(), "{text}");
        }
    }
}
