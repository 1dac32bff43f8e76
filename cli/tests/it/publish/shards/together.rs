//! Runs in shards beside readers, and beside each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::fixture::{Fixture, Run, ask, id};
use super::super::readers::{READ, customers, whole_run};
use crate::parts::tally;

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_runs_while_shards_are_loaded() {
    const RUNS: u32 = 30;
    let fixture = Arc::new(Fixture::new("shard_readers").await);
    fixture.publish(&Run::new(1, customers(1))).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let readings = Arc::new(AtomicU64::new(0));
    let read = || {
        let (fixture, done) = (Arc::clone(&fixture), Arc::clone(&done));
        let readings = Arc::clone(&readings);
        tokio::spawn(async move {
            let client = fixture.connect().await;
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let number = whole_run(&ask(&client, READ).await)?;
                if number < last {
                    return Err(format!("back from run {last} to {number}"));
                }
                last = number;
                readings.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    };
    let readers: Vec<_> = (0..3).map(|_| read()).collect();
    for number in 2..=RUNS {
        // Any number of shards and connections, and an attempt before that fails.
        let shards = (number as usize * 37) % 19 + 1;
        let by = number as usize % 5 + 1;
        let run = Run::new(number, customers(number)).keeping(4);
        if number % 3 == 0 {
            let mut other = run.clone();
            other.run.customers += 1;
            let error = fixture.publish_split(&other, shards, by).await;
            assert_eq!(error.unwrap_err().name(), "Insiders.Corrupt");
            let mut twice = run.clone();
            twice.rows.features.customer_id[1] = "c0".to_owned();
            let error = fixture.publish_split(&twice, shards, by).await;
            assert_eq!(error.unwrap_err().name(), "Insiders.Corrupt");
        }
        fixture.publish_split(&run, shards, by).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap().unwrap();
    }
    tally(
        "exactly one whole run is visible",
        "readers without pause while runs are published in shards",
        RUNS as usize,
        &format!("{} readings, none torn", readings.load(Ordering::Relaxed)),
    );
    fixture.expect_whole(RUNS, customers(RUNS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_publishers_of_shards_each_gets_its_turn() {
    let fixture = Arc::new(Fixture::new("many_shards").await);
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    // Four of the same run, in other shards each, and four of later ones.
    let publish = |number: u32, shards: usize| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move {
            let run = Run::new(number, 500);
            fixture.publish_split(&run, shards, 2).await
        })
    };
    let same: Vec<_> = (1..5).map(|shards| publish(9, shards)).collect();
    let others: Vec<_> = (2..6).map(|number| publish(number, 3)).collect();
    let mut changed = 0;
    for publisher in same {
        let outcome = publisher.await.unwrap().unwrap();
        changed += usize::from(outcome.changed);
    }
    assert_eq!(changed, 1);
    for publisher in others {
        if let Err(error) = publisher.await.unwrap() {
            assert_eq!(error.name(), "Insiders.Superseded", "{error}");
        }
    }
    fixture.expect_whole(9, 500).await;
    assert_eq!(fixture.visible().await, format!("{},500", id(9)));
    fixture.expect_nobody().await;
}
