//! What readers see while runs come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::fixture::{Fixture, Run, ask, id};

/// Customers of run `number`: every run has another count.
fn customers(number: u32) -> usize {
    100 + number as usize
}

const READ: &str = "SELECT count(*), min(run_id), max(run_id), count(segment), \
    (SELECT sum(customers) FROM insiders.segments) FROM insiders.insiders";

/// The number of the run that a reading is of, if it is one whole run.
fn whole_run(reading: &str) -> Result<u32, String> {
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
    println!(
        "{} readings over {RUNS} runs",
        readings.load(Ordering::Relaxed)
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
