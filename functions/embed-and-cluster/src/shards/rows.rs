//! The rows of all shards.

use shared::contracts::Shards;
use shared::features::pick;
use shared::segments::next_step::Purchase;
use shared::store::Store;
use shared::tables::{SegmentRows, read_segments};
use shared::{Error, Result};

/// All rows in the order of the ids, without what is said of each customer in words, and each
/// customer's purchase that would bring them into the first segment.
///
/// # Errors
/// [`Error::Corrupt`] for a table that is not what the list says, or a customer in two shards.
pub(crate) async fn rows(
    store: &Store,
    shards: &Shards,
) -> Result<(SegmentRows, Vec<Option<Purchase>>)> {
    let mut all = SegmentRows::default();
    let mut purchases = Vec::new();
    for shard in &shards.0 {
        let bytes = store.get_verified(&shard.table).await?;
        let part = read_segments(bytes, &shard.table.key)?;
        purchases.extend(part.next_step.iter().map(|step| step.purchase));
        all.append(SegmentRows {
            segment: Vec::new(),
            next_step: Vec::new(),
            ..part
        });
    }
    if let Some(order) = all.features.order() {
        all = all.select(&order);
        purchases = pick(&purchases, &order);
    }
    let ids = all.features.customer_id.windows(2);
    for pair in ids {
        if let [one, other] = pair
            && one == other
        {
            let object = shards.0.first().map(|shard| shard.table.key.clone());
            return Err(Error::Corrupt {
                object: object.unwrap_or_default(),
                reason: "a customer of it is there twice, or in another shard too".to_owned(),
            });
        }
    }
    Ok((all, purchases))
}
