//! Connections that end while others go on, and those that there never were.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use publish_to_rds::{Database, Outcome, erase};
use shared::Result;
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

use super::super::fixture::{Fixture, Run, id};
use super::super::own::Own;
use super::{batches, in_shards, publish_to, split};
use crate::parts::tally;

const CUSTOMERS: usize = 600;
const PROMISE: &str = "a failed publication leaves the old run and nothing else";

/// The sessions that load, and the one that publishes.
const LOADING: &str = "query LIKE 'COPY insiders.segment_members%'";
const PUBLISHING: &str = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";

/// Publishes run `number` in three shards, of which the first never ends.
fn publish_without_end(database: &Database, number: u32) -> JoinHandle<Result<Outcome>> {
    let run = in_shards(Run::new(number, CUSTOMERS), 3);
    let mut shards = split(&run, 3);
    shards[0].batches = batches(&run.rows).chain(stream::pending()).boxed();
    let mut database = database.clone();
    database.limits.connections = 2;
    tokio::spawn(async move { publish_to(&database, &run, shards).await })
}

/// Waits until the other shards are there.
async fn others_loaded(fixture: &Fixture, number: u32) {
    let staging = format!("insiders.segment_members_{}_new", id(number));
    let there = format!("SELECT to_regclass('{staging}') IS NOT NULL");
    let count = format!("SELECT count(*) >= 399 FROM {staging}");
    for _ in 0..500 {
        if fixture.ask(&there).await == "t" && fixture.ask(&count).await == "t" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the others do not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_ends_them_all() {
    let fixture = Fixture::new("lost").await;
    fixture.publish(&Run::new(1, CUSTOMERS)).await.unwrap();
    let mut number = 1;
    for whose in [LOADING, PUBLISHING] {
        number += 1;
        let publishing = publish_without_end(&fixture.database, number);
        others_loaded(&fixture, number).await;
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'insiders' AND {whose}"
        );
        assert_eq!(fixture.ask(&end).await, "1");
        let ended = tokio::time::timeout(Duration::from_secs(15), publishing);
        let error = ended.await.unwrap().unwrap().unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let text = error.to_string();
        let says = ["57P01", "was lost", "closed"];
        assert!(says.iter().any(|says| text.contains(says)), "{text}");
        fixture.expect_nobody().await;
        let run = Run::new(number, CUSTOMERS);
        fixture.publish_split(&run, 3, 2).await.unwrap();
        fixture.expect_whole(number, CUSTOMERS).await;
    }
    tally(
        PROMISE,
        "the connection of a shard, or of who publishes, is ended by the server",
        2,
        "Insiders.Unavailable, nobody goes on, then published",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_run_does_not_write_into_the_next_attempts_table() {
    let fixture = Fixture::new("fenced").await;
    fixture.publish(&Run::new(1, CUSTOMERS)).await.unwrap();
    // Another attempt makes the table anew while the first shard is on its way.
    let run = in_shards(Run::new(2, CUSTOMERS), 3);
    let mut shards = split(&run, 3);
    let admin = fixture.connect().await;
    let staging = format!("insiders.segment_members_{}_new", id(2));
    let late = async move {
        let anew = format!(
            "BEGIN; LOCK TABLE {staging}; ALTER TABLE {staging} RENAME TO gone; \
             CREATE TABLE {staging} (LIKE insiders.gone INCLUDING ALL); COMMIT"
        );
        admin.batch_execute(&anew).await.unwrap();
    };
    // The first shard's own transaction keeps the table: it is replaced before the next.
    let first = std::mem::replace(&mut shards[0].batches, stream::empty().boxed());
    let wait = stream::once(async move {
        tokio::spawn(late);
        tokio::time::sleep(Duration::from_millis(300)).await;
        None
    });
    shards[0].batches = first
        .map(Some)
        .chain(wait)
        .filter_map(std::future::ready)
        .boxed();
    let mut database = fixture.database.clone();
    database.limits.connections = 1;
    let error = publish_to(&database, &run, shards).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(
        error.to_string().contains("somebody else publishes"),
        "{error}"
    );
    fixture.ask("DROP TABLE insiders.gone").await;
    fixture
        .publish_split(&Run::new(2, CUSTOMERS), 3, 2)
        .await
        .unwrap();
    fixture.expect_whole(2, CUSTOMERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_while_shards_are_loaded_does_not_come_back() {
    let fixture = Fixture::new("erased_meanwhile").await;
    fixture.publish(&Run::new(1, CUSTOMERS)).await.unwrap();
    for (number, customer) in [(2, "c1"), (3, "c0")] {
        // A customer of a shard that is there, and of one that is on its way.
        let run = in_shards(Run::new(number, CUSTOMERS), 3);
        let mut shards = split(&run, 3);
        let (say, told) = tokio::sync::oneshot::channel::<()>();
        let wait = stream::once(async move {
            told.await.unwrap();
            None
        });
        let first = std::mem::replace(&mut shards[0].batches, stream::empty().boxed());
        shards[0].batches = first
            .map(Some)
            .chain(wait)
            .filter_map(std::future::ready)
            .boxed();
        let database = fixture.database.clone();
        let publishing =
            tokio::spawn(async move { publish_to(&database, &run, shards).await.map(drop) });
        others_loaded(&fixture, number).await;
        erase(&fixture.database, &[customer.to_owned()])
            .await
            .unwrap();
        say.send(()).unwrap();
        let error = publishing.await.unwrap().unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().contains("erased meanwhile"), "{error}");
        let outcome = fixture
            .publish_split(&Run::new(number, CUSTOMERS), 3, 3)
            .await
            .unwrap();
        assert_eq!(outcome.erased, u64::from(number) - 1);
        fixture
            .expect_whole(number, CUSTOMERS - (number as usize - 1))
            .await;
    }
    tally(
        "who was erased is nowhere",
        "an erasure while shards are loaded",
        2,
        "Insiders.Unavailable, then published without",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_connections_than_asked_for_are_enough() {
    let server = Own::new(&["max_connections=12"]).await;
    let url = server.url("insiders");
    let fixture = Fixture::at(&url).await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();
    let mut others = Vec::new();
    while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
        others.push((client, tokio::spawn(connection)));
    }
    for free in 1..4 {
        let (client, connection) = others.pop().unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let number = free + 1;
        let published = fixture.publish_split(&Run::new(number, 50), 4, 4).await;
        if free == 1 {
            let error = published.unwrap_err();
            assert!(error.is_retryable(), "{error}");
            assert!(error.to_string().contains("53300"), "{error}");
            fixture.expect_whole(1, 50).await;
        } else {
            published.unwrap();
            fixture.expect_whole(number, 50).await;
        }
    }
    tally(
        PROMISE,
        "one, two and three connections for a run in shards",
        3,
        "Insiders.Unavailable with one, published by fewer with more",
    );
}
