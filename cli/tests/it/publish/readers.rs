//! What readers see while runs come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use publish_to_rds::{MIGRATIONS, migrate, migrate_to};

use super::fixture::{Fixture, Run, ask, id};
use crate::parts::tally;

/// Customers of run `number`: every run has another count.
pub(super) fn customers(number: u32) -> usize {
    100 + number as usize
}

pub(super) const READ: &str = "SELECT count(*), min(run_id), max(run_id), count(segment), \
    (SELECT sum(customers) FROM insiders.segments) FROM insiders.insiders";

/// The number of the run that a reading is of, if it is one whole run.
pub(super) fn whole_run(reading: &str) -> Result<u32, String> {
    let broken = || format!("not one whole run: {reading}");
    let [count, min, max, named, profiled] = reading
        .split(',')
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| broken())?;
    let number = u32::from_str_radix(min.get(..8).unwrap_or_default(), 16).map_err(|_| broken())?;
    let expected = customers(number).to_string();
    let whole = min == max && [count, named, profiled].iter().all(|n| *n == expected);
    if whole { Ok(number) } else { Err(broken()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_is_of_exactly_one_whole_run() {
    const RUNS: u32 = 30;
    let fixture = Arc::new(Fixture::new("readers").await);
    fixture.publish(&Run::new(1, customers(1))).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let readings = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    for reader in 0..4 {
        let (fixture, done) = (Arc::clone(&fixture), Arc::clone(&done));
        let readings = Arc::clone(&readings);
        readers.push(tokio::spawn(async move {
            let client = fixture.connect().await;
            // One of them reads in one long transaction after the other.
            let (begin, end) = if reader == 0 {
                ("BEGIN", "COMMIT")
            } else {
                ("", "")
            };
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                client.batch_execute(begin).await.unwrap();
                for _ in 0..50 {
                    let number = whole_run(&ask(&client, READ).await)?;
                    if number < last {
                        return Err(format!("back from run {last} to {number}"));
                    }
                    last = number;
                    readings.fetch_add(1, Ordering::Relaxed);
                }
                client.batch_execute(end).await.unwrap();
            }
            Ok(())
        }));
    }
    for number in 2..=RUNS {
        // Few are kept, so that old ones are dropped under the readers' eyes.
        let run = Run::new(number, customers(number)).keeping(4);
        fixture.publish(&run).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap().unwrap();
    }
    tally(
        "exactly one whole run is visible",
        "readers without pause while runs are published and dropped",
        RUNS as usize,
        &format!("{} readings, none torn", readings.load(Ordering::Relaxed)),
    );
    assert_eq!(whole_run(&fixture.ask(READ).await), Ok(RUNS));
}

#[tokio::test]
async fn a_transaction_that_began_before_may_read_through_the_switch() {
    let fixture = Fixture::new("through").await;
    fixture.publish(&Run::new(1, customers(1))).await.unwrap();
    let committed = fixture.connect().await;
    let repeatable = fixture.connect().await;
    committed.batch_execute("BEGIN").await.unwrap();
    repeatable
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    for client in [&committed, &repeatable] {
        assert_eq!(whole_run(&ask(client, READ).await), Ok(1));
    }
    fixture.publish(&Run::new(2, customers(2))).await.unwrap();
    assert_eq!(whole_run(&ask(&committed, READ).await), Ok(2));
    assert_eq!(whole_run(&ask(&repeatable, READ).await), Ok(1));
    assert_eq!(fixture.visible().await, format!("{},102", id(2)));
}

#[tokio::test]
async fn a_query_for_one_customer_touches_one_run_by_its_index() {
    let fixture = Fixture::new("plans").await;
    for number in 1..=3 {
        fixture.publish(&Run::new(number, 5_000)).await.unwrap();
    }
    let query = "SELECT * FROM insiders.insiders WHERE customer_id = 'c77'";
    let plan = fixture
        .ask(&format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}"))
        .await;
    let members = plan
        .split(';')
        .filter(|line| line.contains("segment_members"));
    let touched: Vec<&str> = members
        .filter(|line| !line.contains("never executed"))
        .collect();
    assert!(touched.iter().all(|line| line.contains(&id(3))), "{plan}");
    assert!(touched.iter().any(|line| line.contains("_key")), "{plan}");
}

#[tokio::test]
async fn a_query_for_a_small_segment_uses_its_index() {
    let fixture = Fixture::new("segment").await;
    for number in 1..=2 {
        let mut run = Run::new(number, 20_000);
        for row in 0..20_000 {
            let small = row % 1_000 == 0;
            run.rows.label[row] = i32::from(!small);
            let name = if small { "Insiders" } else { "Segment 1" };
            run.rows.segment[row] = name.to_owned();
        }
        fixture.publish(&run.profiled()).await.unwrap();
    }
    let query = "SELECT customer_id FROM insiders.insiders WHERE labels = 0";
    let plan = fixture.ask(&format!("EXPLAIN (COSTS OFF) {query}")).await;
    let index = format!("segment_members_{}_label", id(2));
    assert!(plan.contains(&index), "{plan}");
    let count = format!("SELECT count(*) FROM ({query}) found");
    assert_eq!(fixture.ask(&count).await, "20");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_transactions_hold_up_neither_publications_nor_other_readers() {
    let mut fixture = Fixture::new("long").await;
    fixture.database.limits.prune_lock = Duration::from_millis(200);
    for number in 1..=2 {
        let run = Run::new(number, customers(number));
        fixture.publish(&run).await.unwrap();
    }
    let views = "SELECT (SELECT count(*) FROM insiders.history), \
        (SELECT count(*) FROM insiders.migrations), (SELECT count(*) FROM insiders.migration_matrix)";
    let mut readers = Vec::new();
    for _ in 0..8 {
        let reader = fixture.connect().await;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        reader.batch_execute(begin).await.unwrap();
        let seen = ask(&reader, views).await;
        assert_eq!(whole_run(&ask(&reader, READ).await), Ok(2));
        readers.push((reader, seen));
    }
    let fixture = Arc::new(fixture);
    let done = Arc::new(AtomicBool::new(false));
    let others = {
        let (fixture, done) = (Arc::clone(&fixture), Arc::clone(&done));
        tokio::spawn(async move {
            let client = fixture.connect().await;
            let mut longest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                whole_run(&ask(&client, READ).await)?;
                ask(&client, views).await;
                longest = longest.max(start.elapsed());
            }
            Ok::<_, String>(longest)
        })
    };
    for number in 3..=6 {
        let run = Run::new(number, customers(number)).keeping(1);
        let start = Instant::now();
        assert!(fixture.publish(&run).await.unwrap().changed);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "run {number} took {took:?}");
        assert_eq!(whole_run(&fixture.ask(READ).await), Ok(number));
    }
    for (reader, seen) in &readers {
        assert_eq!(whole_run(&ask(reader, READ).await), Ok(2));
        assert_eq!(ask(reader, views).await, *seen);
        reader.batch_execute("COMMIT").await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let longest = others.await.unwrap().unwrap();
    assert!(
        longest < Duration::from_secs(2),
        "somebody waited {longest:?}"
    );
    // Nobody holds them any more: the old runs go.
    let run = Run::new(7, customers(7)).keeping(1);
    fixture.publish(&run).await.unwrap();
    let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^segment_members_[0-9a-f]'";
    assert_eq!(fixture.ask(tables).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_waits_for_a_long_reader_and_others_read_on() {
    let fixture = Arc::new(Fixture::new("upgrade").await);
    migrate_to(&fixture.database, &MIGRATIONS[..2])
        .await
        .unwrap();
    let reader = fixture.connect().await;
    reader.batch_execute("BEGIN").await.unwrap();
    ask(&reader, READ).await;
    let upgrade = {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move { migrate(&fixture.database).await })
    };
    let mut longest = Duration::ZERO;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let read = Instant::now();
        fixture.ask(READ).await;
        longest = longest.max(read.elapsed());
    }
    assert!(
        longest < Duration::from_secs(2),
        "somebody waited {longest:?}"
    );
    assert!(!upgrade.is_finished(), "the table is still read");
    reader.batch_execute("COMMIT").await.unwrap();
    upgrade.await.unwrap().unwrap();
    let last = "SELECT max(version) FROM insiders.schema_migrations";
    assert_eq!(fixture.ask(last).await, MIGRATIONS.len().to_string());
}
