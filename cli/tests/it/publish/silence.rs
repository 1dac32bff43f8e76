//! A server, or a network, that says nothing any more.

use std::time::{Duration, Instant};

use publish_to_rds::{Database, publish_rows};
use shared::progress::Silent;

use super::fixture::{Fixture, Run, id};
use super::relay::{Harm, Relay};
use crate::parts::tally;

const CUSTOMERS: usize = 2_000;

/// Limits that a test can wait for, and much longer than anything here takes.
fn hasty(mut database: Database) -> Database {
    let limits = &mut database.limits;
    limits.connect = Duration::from_millis(400);
    limits.statement = Duration::from_millis(800);
    limits.load = Duration::from_millis(800);
    limits.lock = Duration::from_millis(600);
    limits.grace = Duration::from_millis(200);
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_waited_for_without_end() {
    /// Points at which the line goes dead.
    const POINTS: u32 = 12;
    let fixture = Fixture::new("silence").await;
    for number in 1..=3 {
        let run = Run::new(number, CUSTOMERS).keeping(2);
        fixture.publish(&run).await.unwrap();
    }
    let attempt = async |number: u32, harm: Harm| {
        let run = Run::new(number, CUSTOMERS).keeping(2);
        let relay = Relay::start(&fixture.url, harm).await;
        let database = hasty(relay.database(&fixture.url));
        let start = Instant::now();
        let result = publish_rows(&database, &run.run, run.batches(), &Silent).await;
        (result, relay.seen().await, start.elapsed())
    };
    let mut number = 4;
    let run = Run::new(number, CUSTOMERS).keeping(2);
    let relay = Relay::start(&fixture.url, Harm::None).await;
    let database = relay.database(&fixture.url);
    let first = publish_rows(&database, &run.run, run.batches(), &Silent).await;
    first.unwrap();
    let whole = relay.seen().await;
    let mut longest = Duration::ZERO;
    let (mut told, mut untold) = (0, 0);
    for point in 0..POINTS {
        // From the very first byte to what retention asks last.
        let at = whole.messages * point / POINTS;
        number += 1;
        let (result, seen, took) = attempt(number, Harm::Silence(at)).await;
        longest = longest.max(took);
        match result {
            // A machine that is very busy: the server's own limit came first.
            Err(error) if !seen.harmed => assert!(error.is_retryable(), "{error}"),
            Err(error) => {
                assert!(error.is_retryable(), "message {at}: {error}");
                let text = error.to_string();
                let given_up = text.contains("no answer in 0.6 s")
                    || text.contains("no answer in 1.0 s")
                    || text.contains("closed");
                assert!(given_up, "message {at}: {text}");
                told += 1;
            }
            Ok(outcome) => {
                assert!(outcome.publication.current, "message {at}");
                untold += 1;
            }
        }
        let run = Run::new(number, CUSTOMERS).keeping(2);
        let again = fixture.publish(&run).await.unwrap();
        assert!(again.publication.current);
        assert_eq!(
            fixture.visible().await,
            format!("{},{CUSTOMERS}", id(number))
        );
    }
    // A process that has only so long waits no longer, however long the server may take.
    number += 1;
    let run = Run::new(number, CUSTOMERS).keeping(2);
    let relay = Relay::start(&fixture.url, Harm::Silence(whole.messages / 2)).await;
    let mut database = relay.database(&fixture.url);
    database.limits.session = Duration::from_millis(1_500);
    let error = publish_rows(&database, &run.run, run.batches(), &Silent).await;
    let error = error.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("no answer in"), "{error}");
    relay.seen().await;

    number += 1;
    let last = Run::new(number, CUSTOMERS).keeping(2);
    fixture.publish(&last).await.unwrap();
    fixture.expect_whole(number, CUSTOMERS).await;
    println!("{told} told, {untold} after the switch; the longest wait was {longest:?}");
    assert!(told > 0);
    tally(
        "nothing is waited for without end",
        "the server falls silent, its connection open",
        told + untold,
        "given up at the limit and retried to success",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_only_takes_longer() {
    let fixture = Fixture::new("trickle").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let run = Run::new(2, 5_000);
    let relay = Relay::start(&fixture.url, Harm::Trickle(4_000)).await;
    let database = relay.database(&fixture.url);
    let start = Instant::now();
    publish_rows(&database, &run.run, run.batches(), &Silent)
        .await
        .unwrap();
    relay.seen().await;
    println!("5,000 customers at 400 kB/s: {:?}", start.elapsed());
    fixture.expect_whole(2, 5_000).await;
    tally(
        "nothing is waited for without end",
        "a network of 400 kB/s",
        1,
        "published",
    );
}
