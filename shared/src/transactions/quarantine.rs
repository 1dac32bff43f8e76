//! Rows that can't be read: each keeps its place, its reason and its raw text.

use serde::Serialize;

/// Why a row can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// More or fewer fields than the header has.
    FieldCount,
    /// A quote that is never closed.
    UnclosedQuote,
    /// Longer than any invoice line.
    TooLong,
    /// Bytes that mean nothing in the export's encoding.
    Encoding,
    /// A NUL character.
    Nul,
    /// A required value that is empty.
    Missing,
    /// A quantity that is no whole number.
    Quantity,
    /// A price that is no number.
    UnitPrice,
    /// A price that is `NaN` or infinite.
    NotFinite,
    /// A number, or a line's amount, too large to be one.
    OutOfRange,
    /// A date that is not in the configured format, or does not exist.
    Date,
}

impl Reason {
    /// Every reason, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::FieldCount,
        Self::UnclosedQuote,
        Self::TooLong,
        Self::Encoding,
        Self::Nul,
        Self::Missing,
        Self::Quantity,
        Self::UnitPrice,
        Self::NotFinite,
        Self::OutOfRange,
        Self::Date,
    ];

    /// The reason's code in quarantine.parquet and quality.json.
    pub fn code(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::UnclosedQuote => "unclosed_quote",
            Self::TooLong => "too_long",
            Self::Encoding => "encoding",
            Self::Nul => "nul",
            Self::Missing => "missing",
            Self::Quantity => "quantity",
            Self::UnitPrice => "unit_price",
            Self::NotFinite => "not_finite",
            Self::OutOfRange => "out_of_range",
            Self::Date => "date",
        }
    }

    /// The reason for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::FieldCount => "another number of fields than the header",
            Self::UnclosedQuote => "a quote that is never closed",
            Self::TooLong => "longer than 64 KiB",
            Self::Encoding => "bytes that mean nothing in the encoding",
            Self::Nul => "a NUL character",
            Self::Missing => "a required value is empty",
            Self::Quantity => "not a whole number",
            Self::UnitPrice => "not a number",
            Self::NotFinite => "not a finite number",
            Self::OutOfRange => "a number out of range",
            Self::Date => "not a date of the configured format",
        }
    }
}

/// What is wrong with a row, and in which column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defect {
    /// Why it can't be read.
    pub reason: Reason,
    /// Canonical name of the column, where one is to blame.
    pub column: Option<&'static str>,
}

impl Defect {
    /// A defect of the row as a whole.
    pub fn of_row(reason: Reason) -> Self {
        Self {
            reason,
            column: None,
        }
    }

    /// A defect in one column.
    pub fn of(column: &'static str, reason: Reason) -> Self {
        Self {
            reason,
            column: Some(column),
        }
    }
}
