//! The table of features, whole or in shards.

use std::ops::Range;

use bytes::Bytes;
use shared::Result;
use shared::contracts::{Artifact, Layout, Part, Shard, ShardTable, Shards};
use shared::failpoint::reach;
use shared::features::Features;
use shared::store::Store;
use shared::tables::{TableWriter, features_batches};

use crate::pass::Written;

/// Writes the features as one table, or as so many shards of neighbours in the order of the ids
/// and the list of them; gives the artifact that names them all.
pub(crate) async fn write(
    store: &Store,
    run_id: &str,
    features: &Features,
    shards: Option<u32>,
) -> Result<(Part, Artifact)> {
    let layout = Layout::new(run_id);
    let rows = features.len();
    let Some(shards) = shards else {
        let key = layout.key(Part::Features);
        let table = table(store, &key, features, 0..rows).await?;
        return Ok((Part::Features, table));
    };
    let mut list = Shards::default();
    for number in 0..shards {
        let key = layout.shard(ShardTable::Features, number);
        let table = table(store, &key, features, nth(number, shards, rows)).await?;
        reach("preprocess: shard of features written")?;
        list.0.push(Shard { number, table });
    }
    let list = store.put_shards(&layout.key(Part::Shards), &list).await?;
    Ok((Part::Shards, list))
}

/// Rows of one of `shards` parts of `rows` rows, which differ in size by one row at most.
fn nth(number: u32, shards: u32, rows: usize) -> Range<usize> {
    let at = |number: u32| (rows as u128 * u128::from(number) / u128::from(shards.max(1))) as usize;
    at(number)..at(number.saturating_add(1))
}

async fn table(
    store: &Store,
    key: &str,
    features: &Features,
    rows: Range<usize>,
) -> Result<Artifact> {
    let (schema, batches) = features_batches(features, rows);
    let mut table = TableWriter::new(Vec::new(), schema)?;
    for batch in batches {
        table.write(&batch?)?;
    }
    let (bytes, rows) = table.finish()?;
    let table = store.put(key, Written::PARQUET, Bytes::from(bytes)).await?;
    Ok(Artifact {
        rows: Some(rows),
        ..table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_neighbours_of_nearly_the_same_size() {
        for (rows, shards) in [(10, 1), (10, 3), (7, 7), (1_000_003, 64)] {
            let ranges: Vec<_> = (0..shards).map(|n| nth(n, shards, rows)).collect();
            assert_eq!((ranges[0].start, ranges.last().unwrap().end), (0, rows));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            let sizes = ranges.iter().map(ExactSizeIterator::len);
            let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
            assert!(least > 0 && most - least <= 1);
        }
    }
}
