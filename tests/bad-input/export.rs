//! What the files are made of: an export without fault, and rows to put into it.

/// The header of the export.
pub(super) const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
/// Rows of the export, all of them kept.
pub(super) const GOOD: u64 = 300;
/// Customers of the export.
const CUSTOMERS: u64 = 20;

/// A row without fault.
pub(super) fn row(number: u64) -> String {
    let (invoice, code) = (536_000 + number / 3, number % 17);
    let (quantity, price) = (1 + number % 5, 50 + number * 7 % 900);
    let (month, day, hour) = (1 + number % 12, 1 + number % 28, 8 + number % 10);
    let customer = 12_001 + number / 3 % CUSTOMERS;
    format!(
        "{invoice},A{code},thing {code},{quantity},{month}/{day}/2011 {hour}:30,{}.{:02},{customer},United Kingdom\n",
        price / 100,
        price % 100,
    )
}

/// The rows of the export.
pub(super) fn body() -> String {
    (0..GOOD).map(row).collect()
}

/// The export.
pub(super) fn good() -> String {
    format!("{HEADER}{}", body())
}

/// The export with `row` in its middle, so that what follows has to be read too.
pub(super) fn raw_rows(row: &[u8]) -> Vec<u8> {
    let half = GOOD / 2;
    let before: String = (0..half).map(self::row).collect();
    let after: String = (half..GOOD).map(self::row).collect();
    [HEADER.as_bytes(), before.as_bytes(), row, after.as_bytes()].concat()
}

/// The export with `row` in its middle.
pub(super) fn rows(row: &str) -> Vec<u8> {
    raw_rows(row.as_bytes())
}

/// A row that has `value` in `column` and no fault elsewhere.
pub(super) fn cell(column: &str, value: &str) -> String {
    let pick = |name: &str, usual: &str| if name == column { value } else { usual }.to_owned();
    [
        pick("InvoiceNo", "540000"),
        pick("StockCode", "A1"),
        pick("Description", "thing"),
        pick("Quantity", "2"),
        pick("InvoiceDate", "6/15/2011 12:00"),
        pick("UnitPrice", "1.25"),
        pick("CustomerID", "12001"),
        pick("Country", "United Kingdom"),
    ]
    .join(",")
        + "\n"
}
