//! A network that loses one of a publication's connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use publish_to_rds::Database;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::super::fixture::{Fixture, Run, id};
use super::super::relay::{Harm, Seen, address_of, serve};
use super::{in_shards, publish_to, split};
use crate::parts::tally;

const CUSTOMERS: usize = 120;
const SHARDS: usize = 5;

/// A relay for any number of connections; one of them, in the order in which they come,
/// suffers harm.
struct Relays {
    address: std::net::SocketAddr,
    serving: JoinHandle<Vec<Seen>>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Relays {
    async fn start(url: &str, harmed: usize, harm: Harm) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = address_of(url).to_owned();
        let came = Arc::new(AtomicUsize::new(0));
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let serving = tokio::spawn(async move {
            let mut all = JoinSet::new();
            loop {
                let client = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = &mut stopped => break,
                };
                let number = came.fetch_add(1, Ordering::Relaxed);
                let harm = if number == harmed { harm } else { Harm::None };
                let upstream = upstream.clone();
                all.spawn(async move {
                    let server = TcpStream::connect(upstream).await.unwrap();
                    serve(client, server, harm).await
                });
            }
            all.join_all().await
        });
        Self {
            address,
            serving,
            stop,
        }
    }

    fn database(&self, url: &str) -> Database {
        let (head, rest) = url.rsplit_once('@').unwrap();
        let (_, name) = rest.split_once('/').unwrap();
        let mut database = Database::parse(&format!("{head}@{}/{name}", self.address)).unwrap();
        database.limits.connections = 2;
        database
    }

    /// What was seen, once all connections are over.
    async fn seen(self) -> Vec<Seen> {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap()
    }
}

fn run(number: u32) -> Run {
    in_shards(Run::new(number, CUSTOMERS), SHARDS).keeping(2)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_is_tried_again() {
    let fixture = Fixture::new("shard_cuts").await;
    for number in 1..=3 {
        fixture.publish(&run(number)).await.unwrap();
    }
    let mut number = 3;
    let [mut cuts, mut there] = [0; 2];
    // The session that publishes is the first, those that load are the next two. How many
    // shards a session gets differs from time to time, and so do its messages.
    for harmed in 0..3 {
        for at in 1.. {
            let before = fixture.visible().await;
            number += 1;
            let run = run(number);
            let relays = Relays::start(&fixture.url, harmed, Harm::Answer(at)).await;
            let database = relays.database(&fixture.url);
            let first = publish_to(&database, &run, split(&run, SHARDS)).await;
            let cut = relays.seen().await.iter().any(|seen| seen.harmed);
            if !cut {
                first.unwrap();
                break;
            }
            cuts += 1;
            let is_there = fixture.visible().await != before;
            there += usize::from(is_there);
            match &first {
                // The last words of a session need no answer.
                Ok(outcome) => assert!(outcome.publication.current && is_there, "{harmed} {at}"),
                Err(error) => assert!(error.is_retryable(), "{harmed}, message {at}: {error}"),
            }
            let again = publish_to(&fixture.database, &run, split(&run, SHARDS)).await;
            let again = again.unwrap();
            assert_eq!(again.changed, !is_there, "{harmed}, message {at}");
            let visible = fixture.visible().await;
            assert_eq!(visible, format!("{},{CUSTOMERS}", id(number)));
        }
    }
    number += 1;
    fixture.publish(&run(number)).await.unwrap();
    fixture.expect_whole(number, CUSTOMERS).await;
    assert!(cuts > 50 && there > 0, "{cuts} {there}");
    tally(
        "exactly one whole run is visible",
        "one of the connections of a run in shards cut before any answer",
        cuts,
        &format!("retried to the same rows; {there} were visible before the retry"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_is_given_up() {
    let fixture = Fixture::new("shard_silence").await;
    fixture.publish(&run(1)).await.unwrap();
    let mut number = 1;
    for (harmed, at) in [(0, 12), (1, 0), (1, 3), (1, 6), (2, 9), (2, 14)] {
        number += 1;
        let run = run(number);
        let relays = Relays::start(&fixture.url, harmed, Harm::Silence(at)).await;
        let mut database = relays.database(&fixture.url);
        let limits = &mut database.limits;
        limits.connect = std::time::Duration::from_millis(400);
        limits.statement = std::time::Duration::from_millis(800);
        limits.load = std::time::Duration::from_millis(800);
        limits.grace = std::time::Duration::from_millis(200);
        let first = publish_to(&database, &run, split(&run, SHARDS)).await;
        relays.seen().await;
        match first {
            // One that never connected is done without.
            Ok(outcome) => assert!(outcome.publication.current),
            Err(error) => assert!(error.is_retryable(), "{harmed} {at}: {error}"),
        }
        let again = publish_to(&fixture.database, &run, split(&run, SHARDS)).await;
        assert!(again.unwrap().publication.current);
        fixture.expect_whole(number, CUSTOMERS).await;
    }
    tally(
        "nothing is waited for without end",
        "one of the connections of a run in shards falls silent",
        6,
        "given up at the limit and retried to success, or done without",
    );
}
