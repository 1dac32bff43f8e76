//! Old runs go, but never under a reader.

use std::time::Duration;

use super::fixture::{Fixture, Run, ask, id};

const RUNS: &str =
    "SELECT string_agg(ltrim(left(run_id, 8), '0'), ' ' ORDER BY run_id) FROM insiders.runs";
const PARTITIONS: &str = "SELECT count(*) FROM pg_class WHERE relispartition \
    AND relkind = 'r' AND relname LIKE 'segment\\_members\\_%' AND relnamespace = 'insiders'::regnamespace";
const TABLES: &str = "SELECT count(*) FROM pg_class WHERE relkind = 'r' \
    AND relname ~ '^segment_(members|moves)_[0-9a-f]' AND relnamespace = 'insiders'::regnamespace";

#[tokio::test]
async fn the_oldest_runs_are_dropped() {
    let fixture = Fixture::new("retention").await;
    for number in 1..=5 {
        fixture
            .publish(&Run::new(number, 10).keeping(3))
            .await
            .unwrap();
    }
    assert_eq!(fixture.ask(RUNS).await, "3 4 5");
    assert_eq!(fixture.ask(TABLES).await, "6", "members and moves of each");
    // By force, an old run is current: it stays, and the latest of the others with it.
    fixture
        .publish(&Run::new(2, 20).keeping(2).forced())
        .await
        .unwrap();
    assert_eq!(fixture.ask(RUNS).await, "2 5");
    assert_eq!(fixture.visible().await, format!("{},20", id(2)));
    fixture.publish(&Run::new(6, 60).keeping(1)).await.unwrap();
    assert_eq!(fixture.ask(RUNS).await, "6");
    assert_eq!(fixture.ask(PARTITIONS).await, "1");
    assert_eq!(
        fixture
            .ask("SELECT count(DISTINCT run_id) FROM insiders.segment_profiles")
            .await,
        "1"
    );
}

#[tokio::test]
async fn a_run_that_somebody_reads_is_left_for_the_next_time() {
    let mut fixture = Fixture::new("held").await;
    fixture.database.limits.prune_lock = Duration::from_millis(100);
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    fixture.publish(&Run::new(2, 20)).await.unwrap();
    let reader = fixture.connect().await;
    let history = "SELECT count(*) FROM insiders.history";
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    assert_eq!(ask(&reader, history).await, "30");

    fixture.publish(&Run::new(3, 30).keeping(1)).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},30", id(3)));
    assert_eq!(fixture.ask(TABLES).await, "5");
    assert_eq!(
        ask(&reader, history).await,
        "30",
        "what it reads does not change"
    );
    assert_eq!(
        fixture.ask(history).await,
        "30",
        "retired runs are history no more"
    );

    // A retired run that is wanted back waits for the reader, too.
    fixture.database.limits.lock = Duration::from_millis(100);
    let back = Run::new(2, 20).forced().keeping(1);
    let error = fixture.publish(&back).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");

    reader.batch_execute("COMMIT").await.unwrap();
    fixture.publish(&Run::new(4, 40).keeping(1)).await.unwrap();
    assert_eq!(fixture.ask(RUNS).await, "4");
    assert_eq!(fixture.ask(TABLES).await, "2");
    fixture.publish(&back).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},20", id(2)));
}
