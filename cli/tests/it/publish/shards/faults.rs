//! Shards that are not what they should be.

use futures::stream::{self, StreamExt};
use publish_to_rds::ShardRows;
use shared::Error;

use super::super::fixture::{Fixture, Run};
use super::{Batches, batches, in_shards, publish_to, select, split};
use crate::parts::tally;

const CUSTOMERS: usize = 3_000;

fn run(number: u32) -> Run {
    in_shards(Run::new(number, CUSTOMERS), 5)
}

/// Publishes shards that are refused, with these words; then the right ones.
async fn refused(fixture: &Fixture, number: u32, shards: Vec<ShardRows<Batches>>, words: &str) {
    let run = run(number);
    let error = publish_to(&fixture.database, &run, shards)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert_eq!(error.name(), "Insiders.Corrupt", "{text}");
    assert!(text.contains(words), "{text}");
    fixture.expect_whole(number - 1, CUSTOMERS).await;
    fixture.expect_nobody().await;
    publish_to(&fixture.database, &run, split(&run, 5))
        .await
        .unwrap();
    fixture.expect_whole(number, CUSTOMERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_disagree_with_the_run_show_nothing() {
    let fixture = Fixture::new("disagree").await;
    fixture.publish(&Run::new(1, CUSTOMERS)).await.unwrap();
    let of = |number: u32| split(&run(number), 5);

    // Customer 0 in the place of customer 3 of another shard, and of the same segment.
    let mut shards = of(2);
    let mut rows = select(&run(2).rows, &(3..CUSTOMERS).step_by(5).collect::<Vec<_>>());
    rows.features.customer_id[0] = "c0".to_owned();
    shards[3].batches = batches(&rows);
    refused(
        &fixture,
        2,
        shards,
        "segments.json is damaged: a customer is there twice",
    )
    .await;

    let mut shards = of(3);
    shards.pop();
    refused(
        &fixture,
        3,
        shards,
        "its shards have 2400 rows, the manifest says 3000",
    )
    .await;

    let mut shards = of(4);
    shards[4].rows -= 1;
    shards[0].rows += 1;
    refused(&fixture, 4, shards, "segments.json says").await;

    // A shard that is there twice has the rows that another should have.
    let mut shards = of(5);
    shards[1] = of(5).swap_remove(0);
    refused(&fixture, 5, shards, "").await;

    // Another segment than the profile's.
    let mut shards = of(6);
    let mut rows = select(&run(6).rows, &(2..CUSTOMERS).step_by(5).collect::<Vec<_>>());
    rows.label[9] = (rows.label[9] + 1) % 3;
    shards[2].batches = batches(&rows);
    refused(&fixture, 6, shards, "the profile of run").await;
    tally(
        "damage is not taken for data",
        "shards that disagree with each other, the manifest or the profile",
        5,
        "Insiders.Corrupt, the run before whole, then published",
    );
}

/// Rows that come and then nothing any more.
fn endless(run: &Run) -> Batches {
    batches(&run.rows).chain(stream::pending()).boxed()
}

fn failing(error: Error) -> Batches {
    stream::once(async { Err(error) }).boxed()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_shard_fails_the_others_end() {
    let fixture = Fixture::new("one_fails").await;
    fixture.publish(&Run::new(1, CUSTOMERS)).await.unwrap();
    let run = run(2);
    let began = std::time::Instant::now();
    let mut shards = split(&run, 5);
    let error = Error::NotFound {
        what: shards[4].key.clone(),
        hint: String::new(),
    };
    shards[4].batches = failing(error);
    for shard in shards.iter_mut().take(3) {
        let half = select(&run.rows, &(0..500).collect::<Vec<_>>());
        let half = Run {
            run: run.run.clone(),
            rows: half,
        };
        shard.batches = endless(&half);
    }
    let error = publish_to(&fixture.database, &run, shards)
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Insiders.NotFound", "{error}");
    assert!(error.to_string().contains("00004.parquet"), "{error}");
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    fixture.expect_nobody().await;
    fixture.expect_whole(1, CUSTOMERS).await;

    // Damage that makes the program panic is a panic still, and nobody goes on behind it.
    let mut shards = split(&run, 5);
    shards[0].batches = endless(&run);
    shards[3].batches = stream::poll_fn(|_| panic!("a shard of this test")).boxed();
    let database = fixture.database.clone();
    let publishing = {
        let run = run.clone();
        tokio::spawn(async move { publish_to(&database, &run, shards).await.map(drop) })
    };
    assert!(publishing.await.unwrap_err().is_panic());
    fixture.expect_nobody().await;

    // So it is where whoever publishes is told to stop.
    let mut shards = split(&run, 5);
    shards[0].batches = endless(&run);
    let database = fixture.database.clone();
    let publishing = {
        let run = run.clone();
        tokio::spawn(async move { publish_to(&database, &run, shards).await.map(drop) })
    };
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    publishing.abort();
    assert!(publishing.await.unwrap_err().is_cancelled());
    fixture.expect_nobody().await;

    publish_to(&fixture.database, &run, split(&run, 5))
        .await
        .unwrap();
    fixture.expect_whole(2, CUSTOMERS).await;
    tally(
        "a failed publication leaves the old run and nothing else",
        "one shard fails, panics, or the publication is given up, while others load",
        3,
        "no connection goes on; then published",
    );
}
