//! A server that goes away and comes back, at the worst moments.

use std::time::Duration;

use futures::StreamExt;
use publish_to_rds::{Outcome, publish_rows};
use rustix::process::Signal;
use shared::progress::Silent;
use tokio_postgres::NoTls;

use super::fixture::{Fixture, Run};
use super::own::Own;
use super::relay::{Harm, Relay};
use crate::parts::tally;

/// More than one batch, so that a COPY has begun when the second one is asked for.
const CUSTOMERS: usize = 70_000;

fn run(number: u32) -> Run {
    Run::new(number, CUSTOMERS).keeping(2)
}

/// Publishes again and again, as the state machine does; gives what each failure said.
async fn insist(fixture: &Fixture, run: &Run) -> (Outcome, Vec<String>) {
    let mut failures = Vec::new();
    loop {
        match fixture.publish(run).await {
            Ok(outcome) => return (outcome, failures),
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                assert!(failures.len() < 1_000, "{error}");
                failures.push(error.to_string());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Publishes; before the second batch the server gets a signal.
async fn interrupted(server: &Own, fixture: &Fixture, run: &Run, signal: Signal) -> String {
    let batches = run.batches().enumerate().map(|(index, batch)| {
        if index == 1 {
            server.signal(signal);
        }
        batch
    });
    let error = publish_rows(&fixture.database, &run.run, batches, &Silent)
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_has_one_whole_run_and_takes_the_next() {
    let mut server = Own::new(&[]).await;
    let url = server.url("insiders");
    let fixture = Fixture::at(&url).await;
    fixture.publish(&run(1)).await.unwrap();
    // Which of the publisher's messages makes the run visible.
    let relay = Relay::start(&url, Harm::None).await;
    let second = run(2);
    publish_rows(
        &relay.database(&url),
        &second.run,
        second.batches(),
        &Silent,
    )
    .await
    .unwrap();
    let commits = relay.seen().await.commits;
    // After the load, its check and the comparison.
    let switch = commits[3];
    drop(fixture);

    let mut number = 2;
    let mut failures = 0;
    let modes = [
        (Signal::INT, "stopped (fast)"),
        (Signal::QUIT, "stopped (immediate)"),
        (Signal::KILL, "killed (SIGKILL)"),
    ];
    for (signal, how) in modes {
        for mid_copy in [true, false] {
            number += 1;
            let run = run(number);
            let fixture = Fixture::at(&url).await;
            let said = if mid_copy {
                interrupted(&server, &fixture, &run, signal).await
            } else {
                let relay = Relay::start(&url, Harm::Answer(switch)).await;
                let publishing = relay.database(&url);
                let batches = run.batches();
                let error = publish_rows(&publishing, &run.run, batches, &Silent).await;
                assert!(relay.seen().await.harmed);
                server.signal(signal);
                let error = error.unwrap_err();
                assert!(error.is_retryable(), "{error}");
                error.to_string()
            };
            println!("{how}, mid-copy {mid_copy}: {said}");
            server.ended().await;
            server.start();
            server.ready().await;
            let fixture = Fixture::at(&url).await;
            let there = if mid_copy { number - 1 } else { number };
            assert!(
                fixture
                    .visible()
                    .await
                    .starts_with(&super::fixture::id(there)),
                "{how}: {there}"
            );
            let (outcome, failed) = insist(&fixture, &run).await;
            assert_eq!(outcome.changed, mid_copy, "{how}");
            failures += failed.len();
            fixture.expect_whole(number, CUSTOMERS).await;
        }
        tally(
            "exactly one whole run is visible",
            &format!("server {how}: mid-COPY, after the switch"),
            2,
            "restarted: the run before or this one, whole; retried to success",
        );
    }
    println!("{failures} attempts failed on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_with_itself_is_tried_again() {
    let mut server = Own::new(&["max_connections=12"]).await;
    let url = server.url("insiders");
    let fixture = Fixture::at(&url).await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();

    // No connection is left.
    let mut others = Vec::new();
    while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
        others.push((client, tokio::spawn(connection)));
    }
    let run = Run::new(2, 50);
    let error = fixture.publish(&run).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("SQLSTATE 53300"), "{error}");
    fixture.expect_whole(1, 50).await;
    drop(others);
    insist(&fixture, &run).await;
    fixture.expect_whole(2, 50).await;

    // It stops as soon as the last one has left.
    server.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let run = Run::new(3, 50);
    let error = fixture.publish(&run).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("SQLSTATE 57P03"), "{error}");
    drop(fixture);
    server.ended().await;
    let error = Fixture::publish_to(&url, &run).await.unwrap_err();
    assert_eq!(
        error.name(),
        "Insiders.Unavailable",
        "nobody listens: {error}"
    );

    // It starts, and looks long for its archive.
    std::fs::write(server.data.join("recovery.signal"), "").unwrap();
    server.give(&server.data.join("recovery.signal"));
    server.set(&["restore_command=sleep 0.5; false"]);
    server.start();
    let mut starting = 0;
    loop {
        match Fixture::publish_to(&url, &run).await {
            Ok(_) => break,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                starting += usize::from(error.to_string().contains("SQLSTATE 57P03"));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    assert!(starting > 0);
    let fixture = Fixture::at(&url).await;
    fixture.expect_whole(3, 50).await;
    let promise = "a failed publication leaves the old run and nothing else";
    for (fault, times) in [
        ("too many connections (53300)", 1),
        ("the server is shutting down (57P03)", 1),
        ("nobody listens", 1),
        ("the server is starting up (57P03)", starting),
    ] {
        tally(
            promise,
            fault,
            times,
            "Insiders.Unavailable, then published",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_published_to_once_it_is_promoted() {
    let mut primary = Own::new(&[]).await;
    let fixture = Fixture::at(&primary.url("insiders")).await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();
    drop(fixture);
    let standby = primary.standby().await;
    let fixture = Fixture::at(&standby.url("insiders")).await;
    let run = Run::new(2, 60);
    let error = fixture.publish(&run).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let text = error.to_string();
    assert!(text.contains("25006") && text.contains("standby"), "{text}");
    fixture.expect_whole(1, 50).await;
    // The failover.
    primary.signal(Signal::QUIT);
    primary.ended().await;
    assert_eq!(fixture.ask("SELECT pg_promote()").await, "t");
    let (outcome, _) = insist(&fixture, &run).await;
    assert!(outcome.changed);
    fixture.expect_whole(2, 60).await;
    tally(
        "a failed publication leaves the old run and nothing else",
        "the server is a standby (25006), then promoted",
        1,
        "Insiders.Unavailable with advice, then published",
    );
}
