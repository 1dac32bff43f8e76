//! Rows to Parquet in memory.

use std::hint::black_box;

use shared::settings::{Decimal, Settings};
use shared::tables::{TableWriter, TransactionsBuilder, features_batches};
use shared::transactions::line::Line;
use shared::transactions::quarantine::Defect;
use shared::transactions::reader::{Sink, read};

use crate::kernel::Work;
use crate::{Result, export, shop};

/// A kept line that outlives its record.
struct Kept {
    texts: [String; 5],
    quantity: i64,
    seconds: i64,
    unit_price: Decimal,
    amount: Decimal,
    is_guest: bool,
}

#[derive(Default)]
struct Keeper(Vec<Kept>);

impl Sink for Keeper {
    fn kept(&mut self, line: &Line<'_>, id: &str, is_guest: bool) -> shared::Result<()> {
        let description = line.description.unwrap_or_default();
        let texts = [
            line.invoice_no,
            line.stock_code,
            description,
            id,
            line.country,
        ];
        self.0.push(Kept {
            texts: texts.map(str::to_owned),
            quantity: line.quantity,
            seconds: line.seconds,
            unit_price: line.unit_price,
            amount: line.amount,
            is_guest,
        });
        Ok(())
    }

    fn quarantined(&mut self, _line: u64, _defect: Defect, _raw: &str) -> shared::Result<()> {
        Ok(())
    }
}

pub(crate) fn transactions() -> Result<Work> {
    let mut keeper = Keeper::default();
    let settings = Settings::default();
    read(
        export::bytes().as_slice(),
        "export",
        &settings,
        None,
        &mut keeper,
    )?;
    Ok(Box::new(move || {
        let mut builder = TransactionsBuilder::default();
        for row in &keeper.0 {
            let [invoice_no, stock_code, description, id, country] = &row.texts;
            let line = Line {
                invoice_no,
                stock_code,
                description: Some(description),
                quantity: row.quantity,
                seconds: row.seconds,
                unit_price: row.unit_price,
                amount: row.amount,
                customer_id: Some(id),
                country,
            };
            builder.push(&line, id, row.is_guest);
        }
        let mut table = TableWriter::new(Vec::new(), TransactionsBuilder::schema())?;
        table.write(&builder.finish()?)?;
        black_box(table.finish()?);
        Ok(())
    }))
}

pub(crate) fn features() -> Result<Work> {
    let features = shop::features(10_000);
    Ok(Box::new(move || {
        let (schema, batches) = features_batches(&features, 0..features.len());
        let mut table = TableWriter::new(Vec::new(), schema)?;
        for batch in batches {
            table.write(&batch?)?;
        }
        black_box(table.finish()?);
        Ok(())
    }))
}
