//! A publisher that is killed, at every step and at any moment, under the eyes of readers.
//!
//! The publisher is a process of its own, this test program with [`publisher`] alone to run.
//! It reaches the server through a relay of ours that reads along. So every message that
//! makes the server do something is a point at which it can be killed: before the server got
//! the message, and after, when the server acts on it and nobody hears the answer. No part of
//! the product knows.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use publish_to_rds::{Database, publish_rows};
use shared::progress::Silent;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::fixture::{Fixture, Run, ask, id};
use super::readers::{READ, customers, whole_run};
use super::relay::Messages;
use crate::parts::tally;

/// How often a publisher must be killed at least.
const KILLS: u32 = 200;
/// Those of them that are killed at no point in particular, at least.
const RANDOM: u32 = 40;

const URL: &str = "INSIDERS_TEST_PUBLISHER_URL";
const NUMBER: &str = "INSIDERS_TEST_PUBLISHER_RUN";

fn run(number: u32) -> Run {
    Run::new(number, customers(number)).keeping(2)
}

/// The process that is killed: publishes one run.
#[tokio::test]
#[ignore = "a part of every_kill_leaves_one_whole_run"]
async fn publisher() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let run = run(std::env::var(NUMBER).unwrap().parse().unwrap());
    let database = Database::parse(&url).unwrap();
    publish_rows(&database, &run.run, run.batches(), &Silent)
        .await
        .unwrap();
}

/// When a publisher is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// Never.
    Never,
    /// Instead of delivering its message of this number.
    Before(u32),
    /// Once its message of this number is delivered.
    After(u32),
    /// After so long.
    At(Duration),
}

/// What became of a publisher.
struct Attempt {
    killed: bool,
    messages: u32,
    took: Duration,
}

/// Starts a publisher of a run, kills it as told, and comes back once the process is gone.
async fn attempt(fixture: &Fixture, number: u32, kill: Kill) -> Attempt {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (head, rest) = fixture.url.rsplit_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let url = format!("{head}@{}/{name}", listener.local_addr().unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "publish::crash::publisher",
            "--exact",
            "--ignored",
            "--test-threads=1",
        ])
        .env(URL, url)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (client, _) = listener.accept().await.unwrap();
    let start = Instant::now();
    let server = TcpStream::connect(address).await.unwrap();
    let relayed = relay(client, server, kill, &mut child);
    let (killed, messages) = match kill {
        Kill::At(after) => match tokio::time::timeout(after, relayed).await {
            Ok(ended) => ended,
            Err(_) => {
                child.kill().await.unwrap();
                (true, 0)
            }
        },
        _ => relayed.await,
    };
    if !killed {
        let status = child.wait().await.unwrap();
        assert!(status.success(), "{kill:?}: {status}");
    }
    Attempt {
        killed,
        messages,
        took: start.elapsed(),
    }
}

/// Passes bytes on until either side ends or the child is killed. Gives back whether it was,
/// and how many messages it sent.
async fn relay(client: TcpStream, server: TcpStream, kill: Kill, child: &mut Child) -> (bool, u32) {
    for side in [&client, &server] {
        // A message and the next go out at once, as they do without the relay.
        side.set_nodelay(true).unwrap();
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers =
        tokio::spawn(async move { copy(&mut from_server, &mut to_client).await.map(drop) });
    let mut messages = 0;
    let mut reader = Messages::default();
    let killed = loop {
        let Some((message, counts)) = reader.next(&mut from_client).await else {
            break false;
        };
        messages += u32::from(counts);
        if counts && matches!(kill, Kill::Before(at) if at == messages) {
            child.kill().await.unwrap();
            break true;
        }
        if to_server.write_all(&message).await.is_err() {
            break false;
        }
        if counts && matches!(kill, Kill::After(at) if at == messages) {
            child.kill().await.unwrap();
            break true;
        }
    };
    answers.abort();
    (killed, messages)
}

/// Readers that look without pause until told to end.
struct Readers {
    done: Arc<AtomicBool>,
    readings: Arc<AtomicU32>,
    tasks: Vec<JoinHandle<Result<(), String>>>,
}

impl Readers {
    fn start(fixture: &Arc<Fixture>) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let readings = Arc::new(AtomicU32::new(0));
        let read = || {
            let fixture = Arc::clone(fixture);
            let (done, readings) = (Arc::clone(&done), Arc::clone(&readings));
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
                    // The publishers are to have the machine, too.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Ok(())
            })
        };
        let tasks = (0..2).map(|_| read()).collect();
        Self {
            done,
            readings,
            tasks,
        }
    }

    async fn stop(self) -> u32 {
        self.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap().unwrap();
        }
        self.readings.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kill_leaves_one_whole_run() {
    let fixture = Arc::new(Fixture::new("crash").await);
    let mut number = 0;
    // Runs come and go by the third; its messages are those of all that follow.
    let mut whole = None;
    for _ in 0..3 {
        number += 1;
        whole = Some(attempt(&fixture, number, Kill::Never).await);
    }
    let whole = whole.unwrap();
    assert!(
        whole.messages > 30,
        "the relay counts {} messages",
        whole.messages
    );
    let readers = Readers::start(&fixture);
    let mut kills = 0;
    let mut random = 0;
    let points = (1..=whole.messages).flat_map(|at| [Kill::Before(at), Kill::After(at)]);
    let mut points = points.collect::<Vec<_>>().into_iter();
    while points.len() > 0 || kills < KILLS || random < RANDOM {
        number += 1;
        let kill = points.next().unwrap_or_else(|| {
            // A sequence that covers the time evenly, whatever its length.
            let share = (f64::from(number) * 0.618_033_988_75).fract();
            Kill::At(whole.took.mul_f64(share))
        });
        let attempt = attempt(&fixture, number, kill).await;
        kills += u32::from(attempt.killed);
        random += u32::from(attempt.killed && matches!(kill, Kill::At(_)));
        // The run before or this one, whole; after another attempt, this one.
        let seen = whole_run(&fixture.ask(READ).await).unwrap();
        assert!(
            seen == number || (attempt.killed && seen + 1 == number),
            "{kill:?}: {seen}"
        );
        fixture
            .publish(&run(number))
            .await
            .unwrap_or_else(|e| panic!("{kill:?}: {e}"));
        assert_eq!(whole_run(&fixture.ask(READ).await), Ok(number), "{kill:?}");
    }
    let readings = readers.stop().await;
    tally(
        "exactly one whole run is visible",
        &format!(
            "SIGKILL of the publisher at each of {} messages of the protocol, before and after, and {random} times at random",
            whole.messages
        ),
        kills as usize,
        &format!("{readings} readings: the run before or this one, whole; then published"),
    );
    assert!(readings > KILLS);
    // Nothing is left behind, and the log of the pointer has one move a run.
    let last = number;
    fixture.publish(&run(last + 1)).await.unwrap();
    let tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class \
        WHERE relkind = 'r' AND relname ~ '^segment_(members|moves)_[0-9a-f]'";
    let [before, now] = [id(last), id(last + 1)];
    let expected =
        ["members", "moves"].map(|table| format!("segment_{table}_{before} segment_{table}_{now}"));
    assert_eq!(fixture.ask(tables).await, expected.join(" "));
    let broken = "SELECT count(*) FROM (SELECT from_run_id, to_run_id, lag(to_run_id) OVER w AS before, \
        row_number() OVER w AS n FROM insiders.pointer_history WINDOW w AS (ORDER BY move_id)) m \
        WHERE from_run_id IS DISTINCT FROM before OR ltrim(left(to_run_id, 8), '0') <> to_hex(n)";
    assert_eq!(fixture.ask(broken).await, "0");
    let moves = fixture
        .ask("SELECT count(*) FROM insiders.pointer_history")
        .await;
    assert_eq!(moves, (last + 1).to_string());
    fixture.expect_sums().await;
}
