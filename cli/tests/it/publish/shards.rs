//! Runs in shards: several connections load one run.

mod cuts;
mod ends;
mod faults;
mod kills;
mod parity;
mod store;
mod together;

use arrow_array::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};
use publish_to_rds::{Database, Outcome, ShardRows, publish_shards};
use shared::Result;
use shared::progress::Silent;
use shared::tables::{SegmentRows, segments_batches};

use super::fixture::{Fixture, Run};

/// The rows of a shard.
type Batches = BoxStream<'static, Result<RecordBatch>>;

/// The rows at these places.
fn select(rows: &SegmentRows, places: &[usize]) -> SegmentRows {
    fn pick<T: Clone>(column: &[T], places: &[usize]) -> Vec<T> {
        places.iter().map(|&place| column[place].clone()).collect()
    }
    SegmentRows {
        features: rows.features.select(places),
        embedding_x: pick(&rows.embedding_x, places),
        embedding_y: pick(&rows.embedding_y, places),
        label: pick(&rows.label, places),
        segment: pick(&rows.segment, places),
        next_step: pick(&rows.next_step, places),
    }
}

fn batches(rows: &SegmentRows) -> Batches {
    stream::iter(segments_batches(rows).collect::<Vec<_>>()).boxed()
}

/// The run as one whose customers were scored in so many shards.
fn in_shards(mut run: Run, shards: usize) -> Run {
    let key = &mut run.run.segments_key;
    *key = key.replace(".parquet", ".json");
    run.run.segments_sha256 = format!("{shards:032x}{:.32}", run.run.segments_sha256);
    run
}

/// The rows of a run in so many shards; those that get no customer are empty.
fn split(run: &Run, shards: usize) -> Vec<ShardRows<Batches>> {
    let customers = run.rows.label.len();
    let shard = |number: usize| {
        let places: Vec<usize> = (number..customers).step_by(shards).collect();
        let rows = select(&run.rows, &places);
        ShardRows {
            key: format!("runs/{}/segments/{number:05}.parquet", run.run.run_id),
            rows: places.len() as u64,
            batches: batches(&rows),
        }
    };
    (0..shards).map(shard).collect()
}

async fn publish_to(
    database: &Database,
    run: &Run,
    shards: Vec<ShardRows<Batches>>,
) -> Result<Outcome> {
    publish_shards(database, &run.run, shards, &Silent).await
}

impl Fixture {
    /// Publishes a run in so many shards by so many connections.
    async fn publish_split(&self, run: &Run, shards: usize, by: usize) -> Result<Outcome> {
        let mut database = self.database.clone();
        database.limits.connections = by;
        let run = in_shards(run.clone(), shards);
        publish_to(&database, &run, split(&run, shards)).await
    }

    /// Waits until no publisher is connected to this database.
    async fn expect_nobody(&self) {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'insiders' \
                   AND datname = current_database()";
        for _ in 0..200 {
            if self.ask(sql).await == "0" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("somebody is connected still");
    }
}
