//! A publisher of shards that is killed, with all its connections, under the eyes of a reader.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use publish_to_rds::Database;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::fixture::{Fixture, Run};
use super::super::readers::{READ, customers, whole_run};
use super::super::relay::{Messages, address_of};
use super::{in_shards, publish_to, split};
use crate::parts::tally;

/// Those that are killed at no point in particular.
const RANDOM: u32 = 25;
const SHARDS: usize = 4;

const URL: &str = "INSIDERS_TEST_PUBLISHER_URL";
const NUMBER: &str = "INSIDERS_TEST_PUBLISHER_RUN";

fn run(number: u32) -> Run {
    in_shards(Run::new(number, customers(number)), SHARDS).keeping(2)
}

/// The process that is killed: publishes one run.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of the test below"]
async fn publisher() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let run = run(std::env::var(NUMBER).unwrap().parse().unwrap());
    let mut database = Database::parse(&url).unwrap();
    database.limits.connections = 3;
    publish_to(&database, &run, split(&run, SHARDS))
        .await
        .unwrap();
}

/// When a publisher is killed: by the messages of all its connections.
#[derive(Debug, Clone, Copy)]
enum Kill {
    Never,
    Before(u32),
    After(u32),
    At(Duration),
}

/// What the connections of a publisher share.
#[derive(Clone)]
struct Shared {
    kill: Kill,
    messages: Arc<AtomicU32>,
    now: mpsc::UnboundedSender<()>,
}

/// Passes the bytes of one connection on, until the publisher is to be killed.
async fn relay(client: TcpStream, upstream: String, shared: Shared) {
    let server = TcpStream::connect(upstream).await.unwrap();
    for side in [&client, &server] {
        side.set_nodelay(true).unwrap();
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        let mut reader = Messages::default();
        while let Some((message, counts)) = reader.next(&mut from_client).await {
            let at = if counts {
                shared.messages.fetch_add(1, Ordering::SeqCst) + 1
            } else {
                0
            };
            if matches!(shared.kill, Kill::Before(point) if point == at) {
                shared.now.send(()).unwrap();
                return std::future::pending().await;
            }
            if to_server.write_all(&message).await.is_err() {
                break;
            }
            if matches!(shared.kill, Kill::After(point) if point == at) {
                shared.now.send(()).unwrap();
            }
        }
    };
    tokio::select! {
        () = asking => (),
        _ = copy(&mut from_server, &mut to_client) => (),
    }
}

/// Starts a publisher, kills it as told, and comes back once the process is gone. Says whether
/// it was killed, how many messages it sent and how long it took.
async fn attempt(fixture: &Fixture, number: u32, kill: Kill) -> (bool, u32, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (head, rest) = fixture.url.rsplit_once('@').unwrap();
    let (_, name) = rest.split_once('/').unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "publish::shards::kills::publisher",
            "--exact",
            "--ignored",
            "--test-threads=1",
        ])
        .env(URL, format!("{head}@{address}/{name}"))
        .env(NUMBER, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let messages = Arc::new(AtomicU32::new(0));
    let (now, mut told) = mpsc::unbounded_channel();
    let shared = Shared {
        kill,
        messages: Arc::clone(&messages),
        now,
    };
    let mut connections = JoinSet::new();
    let mut began = None;
    loop {
        let due = match (kill, began) {
            (Kill::At(after), Some(began)) => began + after,
            _ => tokio::time::Instant::now() + Duration::from_secs(600),
        };
        tokio::select! {
            accepted = listener.accept() => {
                began.get_or_insert_with(tokio::time::Instant::now);
                let upstream = address_of(&fixture.url).to_owned();
                connections.spawn(relay(accepted.unwrap().0, upstream, shared.clone()));
            }
            _ = told.recv() => break,
            () = tokio::time::sleep_until(due) => break,
            status = child.wait() => {
                assert!(status.unwrap().success(), "{kill:?}");
                let took = began.unwrap().elapsed();
                return (false, messages.load(Ordering::SeqCst), took);
            }
        }
    }
    child.kill().await.unwrap();
    connections.shutdown().await;
    (true, messages.load(Ordering::SeqCst), Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kill_of_a_publisher_of_shards_leaves_one_whole_run() {
    let fixture = Fixture::new("shard_kills").await;
    let mut number = 0;
    let mut whole = (false, 0, Duration::ZERO);
    for _ in 0..3 {
        number += 1;
        whole = attempt(&fixture, number, Kill::Never).await;
    }
    let (_, messages, took) = whole;
    assert!(messages > 50, "the relays count {messages} messages");
    // Before a message of the whole protocol and after the next, in turn.
    let points = (1..=messages).map(|at| match at % 2 {
        0 => Kill::Before(at),
        _ => Kill::After(at),
    });
    let random = (0..RANDOM).map(|n| Kill::At(took.mul_f64(f64::from(n) / f64::from(RANDOM))));
    let mut kills = 0;
    let began = Instant::now();
    for kill in points.chain(random) {
        number += 1;
        let (killed, ..) = attempt(&fixture, number, kill).await;
        kills += usize::from(killed);
        // The run before or this one, whole; after another attempt, this one.
        let seen = whole_run(&fixture.ask(READ).await).unwrap();
        assert!(
            seen == number || (killed && seen + 1 == number),
            "{kill:?}: {seen}"
        );
        let run = run(number);
        publish_to(&fixture.database, &run, split(&run, SHARDS))
            .await
            .unwrap_or_else(|e| panic!("{kill:?}: {e}"));
        assert_eq!(whole_run(&fixture.ask(READ).await), Ok(number), "{kill:?}");
    }
    println!("{kills} kills in {:?}", began.elapsed());
    fixture.expect_whole(number, customers(number)).await;
    tally(
        "exactly one whole run is visible",
        "SIGKILL of a publisher of shards at its messages, and at random",
        kills,
        "the run before or this one, whole; then published",
    );
}
