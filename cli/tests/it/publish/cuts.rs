//! A connection that ends between an answer of the server's and the publisher who waits for it.

use publish_to_rds::publish_rows;
use shared::progress::Silent;

use super::fixture::{Fixture, Run, id};
use super::relay::{Harm, Relay, Seen};
use crate::parts::tally;

const CUSTOMERS: usize = 120;

/// Run `number`. The rows of all even runs are the same, and so are those of the odd ones: a
/// third of the customers is in another segment, some enter and some leave.
fn run(number: u32) -> Run {
    let odd = number % 2;
    let from = odd * 7;
    let ids = (from..from + CUSTOMERS as u32).map(|n| format!("c{n}"));
    let mut run = Run::of(odd, ids.collect());
    let named = Run::new(number, CUSTOMERS).run;
    run.run.run_id = named.run_id;
    run.run.as_of = named.as_of;
    run.run.segments_sha256 = named.segments_sha256;
    run.keeping(2)
}

/// The messages of a publication that retention follows, and digests of odd and even runs.
async fn unharmed(fixture: &Fixture, number: &mut u32) -> (Seen, [String; 2]) {
    let mut digests = [String::new(), String::new()];
    for _ in 0..3 {
        *number += 1;
        let outcome = fixture.publish(&run(*number)).await.unwrap();
        digests[*number as usize % 2] = outcome.publication.row_digest;
    }
    *number += 1;
    let relay = Relay::start(&fixture.url, Harm::None).await;
    let database = relay.database(&fixture.url);
    let run = run(*number);
    publish_rows(&database, &run.run, run.batches(), &Silent)
        .await
        .unwrap();
    (relay.seen().await, digests)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_asked_for_again() {
    let fixture = Fixture::new("cuts").await;
    let mut number = 0;
    let (whole, digests) = unharmed(&fixture, &mut number).await;
    assert!(whole.messages > 30 && whole.commits.len() > 4, "{whole:?}");
    // Cut at a COMMIT and elsewhere, and how many of them readers saw all the same.
    let [mut cut, mut seen_already] = [[0; 2]; 2];
    for at in 1..=whole.messages {
        let before = fixture.visible().await;
        let moves = "SELECT count(*) FROM insiders.pointer_history";
        let moved: u32 = fixture.ask(moves).await.parse().unwrap();
        number += 1;
        let run = run(number);
        let relay = Relay::start(&fixture.url, Harm::Answer(at)).await;
        let database = relay.database(&fixture.url);
        let first = publish_rows(&database, &run.run, run.batches(), &Silent).await;
        let seen = relay.seen().await;
        // Retention may need a message less than it did.
        if !seen.harmed {
            assert!(at + 2 > seen.messages, "message {at} of {seen:?}");
            first.unwrap();
            continue;
        }
        let is_commit = seen.commits.last() == Some(&at);
        let is_there = fixture.visible().await != before;
        let kind = usize::from(!is_commit);
        cut[kind] += 1;
        seen_already[kind] += usize::from(is_there);
        match &first {
            // The publisher's last words need no answer.
            Ok(outcome) => assert!(outcome.publication.current && is_there, "{at}"),
            Err(error) => assert!(error.is_retryable(), "message {at}: {error}"),
        }
        let again = fixture.publish(&run).await.unwrap();
        assert_eq!(again.changed, !is_there, "message {at}");
        assert!(again.publication.current);
        assert_eq!(
            again.publication.row_digest,
            digests[number as usize % 2],
            "message {at}"
        );
        let now: u32 = fixture.ask(moves).await.parse().unwrap();
        assert_eq!(now, moved + 1, "one move, message {at}");
        let visible = fixture.visible().await;
        assert_eq!(visible, format!("{},{CUSTOMERS}", id(number)));
    }
    number += 1;
    fixture.publish(&run(number)).await.unwrap();
    fixture.expect_whole(number, CUSTOMERS).await;
    let kept = "SELECT count(*) FROM insiders.runs";
    assert_eq!(fixture.ask(kept).await, "2");
    // The load, its check, the comparison and the switch at least; the last shows the run.
    assert!(
        cut[0] >= 4 && seen_already[0] >= 1,
        "{cut:?} {seen_already:?}"
    );
    let faults = [
        "connection cut after COMMIT, before its answer",
        "connection cut before any other answer",
    ];
    for (kind, fault) in faults.into_iter().enumerate() {
        tally(
            "exactly one whole run is visible",
            fault,
            cut[kind],
            &format!(
                "retried to the same digest and one move; {} were visible before the retry",
                seen_already[kind]
            ),
        );
    }
}
