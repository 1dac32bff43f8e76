//! An export as a shop's: invoices of many lines, returns, guests, quoted fields, bad rows.

use shared::models::random::{Key, Stream};

const LINES: u64 = 20_000;
const LINES_AN_INVOICE: u64 = 20;
const CUSTOMERS: usize = 700;

/// The second is cp1252, not UTF-8; from the third on they are quoted.
const DESCRIPTIONS: [&[u8]; 8] = [
    b"WHITE HANGING HEART T-LIGHT HOLDER",
    b"VOUCHER \xa35 FROM THE CAF\xc9",
    b"\"SET OF 3 TINS, PANTRY DESIGN\"",
    b"\"CLOCK \"\"ANTIQUE\"\" 12\"\" FACE\"",
    b"JUMBO BAG RED RETROSPOT",
    b"REGENCY CAKESTAND 3 TIER",
    b"PARTY BUNTING",
    b"",
];
const COUNTRIES: [&str; 4] = ["United Kingdom", "United Kingdom", "France", "EIRE"];

/// One row in so many can't be read; the cleaning allows one in a hundred.
const BAD: u64 = 250;

pub(crate) fn bytes() -> Vec<u8> {
    let header =
        b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n";
    let mut bytes = header.to_vec();
    for line in 0..LINES {
        push(&mut bytes, line);
    }
    bytes
}

fn push(bytes: &mut Vec<u8>, line: u64) {
    let invoice = line / LINES_AN_INVOICE;
    let shop = Key::new(1, Stream::Noise).child(invoice);
    let key = Key::new(2, Stream::Noise).child(line);

    let is_return = shop.below(0, 12) == 0;
    let (mark, sign) = if is_return { ("C", "-") } else { ("", "") };
    let stock_code = 20_000 + key.below(0, 3_000);
    bytes.extend_from_slice(format!("{mark}{},{stock_code}A,", 536_365 + invoice).as_bytes());
    bytes.extend_from_slice(DESCRIPTIONS[key.below(1, DESCRIPTIONS.len())]);

    let quantity = match line % BAD {
        0 => "a dozen".to_owned(),
        _ => format!("{sign}{}", 1 + key.below(2, 48)),
    };
    let (month, day) = (1 + shop.below(1, 12), 1 + shop.below(2, 28));
    let (hour, minute) = (8 + shop.below(3, 12), shop.below(4, 60));
    let pence = 29 + key.below(3, 1_500);
    // A fifth of the invoices are guests'.
    let customer = match shop.below(5, 5) {
        0 => String::new(),
        _ => format!("{}", 12_346 + shop.below(6, CUSTOMERS)),
    };
    let country = COUNTRIES[shop.below(7, COUNTRIES.len())];
    let rest = format!(
        ",{quantity},{month}/{day}/2011 {hour}:{minute:02},{}.{:02},{customer},{country}\r\n",
        pence / 100,
        pence % 100,
    );
    bytes.extend_from_slice(rest.as_bytes());
}
