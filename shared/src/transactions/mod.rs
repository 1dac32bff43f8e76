//! From bytes to invoice lines that count.
//!
//! [`decompress`] finds out what the bytes are, [`records`] splits them into records and
//! [`fields`] those into fields, [`header`] finds the columns, [`line`] reads the values,
//! [`clean`] decides which lines count and whose they are, and [`pass`] does all of it for the
//! uploads of a run. A row that can't be read goes to
//! [`quarantine`] with its reason; nothing here stops at a bad row.

mod ahead;
pub mod clean;
pub mod decompress;
pub mod encoding;
pub mod fields;
pub mod header;
pub mod line;
mod nobody;
pub mod pass;
pub mod quarantine;
pub mod reader;
pub mod records;
pub mod stock_codes;
