//! Whatever the shards, the run is the same.

use publish_to_rds::erase;

use super::super::fixture::{Fixture, Run, id};
use super::super::once::STATE;
use crate::parts::tally;

const SHARDINGS: [usize; 4] = [1, 2, 7, 64];

/// Run 2 beside run 1: some enter, some leave, some move.
fn runs() -> [Run; 2] {
    let ids = |from: usize, to: usize| (from..to).map(|n| format!("c{n}")).collect();
    [Run::of(1, ids(0, 400)), Run::of(2, ids(31, 450))].map(|mut run| {
        let features = &mut run.rows.features;
        for (row, revenue) in features.gross_revenue.iter_mut().enumerate() {
            // Sums of these depend on the order.
            *revenue = ((row * 7_919 % 1_009) as f64 + 0.1) * 1.1_f64.powi(row as i32 % 90 - 40);
            features.frequency[row] = *revenue / 3.0;
        }
        run.profiled()
    })
}

/// Publishes run 1 and erases a customer of both.
async fn before(fixture: &Fixture, first: &Run) {
    fixture.publish(first).await.unwrap();
    erase(&fixture.database, &["c50".to_owned()]).await.unwrap();
}

/// All that a publication makes of run 2, but for what says how and when it came.
async fn all_of(fixture: &Fixture) -> Vec<String> {
    let run = id(2);
    let queries = [
        "SELECT * FROM insiders.insiders ORDER BY customer_id".to_owned(),
        "SELECT * FROM insiders.segments ORDER BY label".to_owned(),
        "SELECT * FROM insiders.migrations ORDER BY run_id, customer_id".to_owned(),
        "SELECT * FROM insiders.migration_matrix".to_owned(),
        "SELECT run_id, customers, row_digest, as_of, previous_run_id FROM insiders.runs ORDER BY run_id".to_owned(),
        "SELECT from_run_id, to_run_id, reason FROM insiders.pointer_history ORDER BY move_id".to_owned(),
        "SELECT relname, relkind FROM pg_class \
         WHERE relnamespace = 'insiders'::regnamespace ORDER BY relname"
            .to_owned(),
        format!("SELECT relname, reltuples FROM pg_class WHERE relname LIKE 'segment%{run}%' ORDER BY 1"),
        format!(
            "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE conrelid = 'insiders.segment_members_{run}'::regclass ORDER BY conname"
        ),
        format!(
            "SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index \
             WHERE indrelid = 'insiders.segment_members_{run}'::regclass ORDER BY 1"
        ),
        format!(
            "SELECT attname, attnotnull, attstattarget, obj_description(attrelid) \
             FROM pg_attribute WHERE attrelid = 'insiders.segment_members_{run}'::regclass \
             ORDER BY attnum"
        ),
    ];
    let mut found = Vec::new();
    for query in queries {
        found.push(fixture.ask(&query).await);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn any_sharding_gives_the_run_that_one_table_gives() {
    let [first, second] = runs();
    let fixture = Fixture::new("unsharded").await;
    before(&fixture, &first).await;
    let whole = fixture.publish(&second).await.unwrap();
    let expected = all_of(&fixture).await;
    for (name, shards) in ["sharded_1", "sharded_2", "sharded_7", "sharded_64"]
        .into_iter()
        .zip(SHARDINGS)
    {
        let fixture = Fixture::new(name).await;
        before(&fixture, &first).await;
        let outcome = fixture.publish_split(&second, shards, 4).await.unwrap();
        assert!(outcome.changed);
        assert_eq!(outcome.publication, whole.publication, "{shards} shards");
        assert_eq!(outcome.migrations, whole.migrations, "{shards} shards");
        assert_eq!(outcome.rows_read, whole.rows_read);
        for (found, expected) in all_of(&fixture).await.iter().zip(&expected) {
            assert_eq!(found, expected, "{shards} shards");
        }
        fixture.expect_whole(2, 418).await;
        fixture.expect_nobody().await;
    }
    tally(
        "the same rows are the same run",
        "customers in 1, 2, 7 and 64 shards",
        SHARDINGS.len(),
        "rows, digest, profile, moves and tables as of one table",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sharding_of_a_run_changes_nothing() {
    let fixture = Fixture::new("resharded").await;
    let run = Run::new(1, 100);
    let first = fixture.publish_split(&run, 7, 3).await.unwrap();
    assert!(first.changed && first.publication.current);
    let state = fixture.ask(STATE).await;
    // The list that was published needs no rows; another is read.
    for (shards, rows_read) in [(7, 0), (2, 100), (64, 100), (1, 100)] {
        let again = fixture.publish_split(&run, shards, 3).await.unwrap();
        assert_eq!((again.changed, again.rows_read), (false, rows_read));
        assert_eq!(again.publication, first.publication);
        assert_eq!(fixture.ask(STATE).await, state, "{shards} shards");
    }
    let again = fixture.publish(&run).await.unwrap();
    assert!(!again.changed);
    assert_eq!(fixture.ask(STATE).await, state);
    // Other rows are refused, and take their place by force, as ever.
    let other = Run::new(1, 90);
    let error = fixture.publish_split(&other, 3, 2).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Conflict", "{error}");
    fixture.expect_whole(1, 100).await;
    fixture.publish_split(&other.forced(), 3, 2).await.unwrap();
    fixture.expect_whole(1, 90).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_any_length_are_held_apart() {
    let fixture = Fixture::new("long_shards").await;
    let ids = (0..20).map(|n| format!("{n:0>4000}"));
    let run = Run::of(1, ids.collect());
    fixture.publish_split(&run, 3, 2).await.unwrap();
    fixture.expect_whole(1, 20).await;
    let key = "SELECT contype FROM pg_constraint WHERE conname LIKE 'segment\\_members\\_%\\_key'";
    assert_eq!(fixture.ask(key).await, "x");
    let twice = (0..20).map(|n| format!("{:0>4000}", n % 19));
    let run = Run::of(2, twice.collect());
    let error = fixture.publish_split(&run, 3, 2).await.unwrap_err();
    assert!(error.to_string().contains("a customer is there twice"));
    fixture.expect_whole(1, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_is_left_out_of_every_shard() {
    let fixture = Fixture::new("erased_shards").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let gone: Vec<String> = ["c0", "c1", "c11"].map(str::to_owned).to_vec();
    erase(&fixture.database, &gone).await.unwrap();
    // Of the first shard nobody is left.
    let outcome = fixture
        .publish_split(&Run::new(2, 12), 12, 3)
        .await
        .unwrap();
    assert_eq!((outcome.rows_read, outcome.erased), (12, 3));
    fixture.expect_whole(2, 9).await;
    let all: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
    erase(&fixture.database, &all).await.unwrap();
    let error = fixture
        .publish_split(&Run::new(3, 12), 3, 3)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("were erased"), "{error}");
    fixture.expect_nobody().await;
}
