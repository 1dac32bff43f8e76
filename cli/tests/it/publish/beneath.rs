//! Runs of past moments join the history beneath the run that readers see.

use super::fixture::{Fixture, Run, ask, id};

/// Customers `c{from}` to `c{to - 1}`: from run to run some enter, leave and change segment.
fn run(number: u32) -> Run {
    let ids = (number * 10..100 + number * 15).map(|n| format!("c{n}"));
    Run::of(number, ids.collect())
}

const CHAIN: &str = "SELECT string_agg(concat_ws('<', ltrim(left(run_id, 8), '0'), \
    ltrim(left(previous_run_id, 8), '0')), ' ' ORDER BY as_of) FROM insiders.kept_runs";
const POINTER: &str = "SELECT count(*) FROM insiders.pointer_history";

#[tokio::test]
async fn each_run_is_compared_with_the_one_of_the_moment_before() {
    let fixture = Fixture::new("beneath").await;
    fixture.publish(&run(5)).await.unwrap();
    let seen = fixture.visible().await;
    // A reader in the middle of a long transaction neither waits nor is waited for.
    let reader = fixture.connect().await;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
    reader.batch_execute(begin).await.unwrap();
    let history = "SELECT count(DISTINCT run_id) FROM insiders.history";
    assert_eq!(ask(&reader, history).await, "1");
    for (number, chain) in [
        (3, "3 5<3"),
        (1, "1 3<1 5<3"),
        (4, "1 3<1 4<3 5<4"),
        (2, "1 2<1 3<2 4<3 5<4"),
    ] {
        let outcome = fixture.publish(&run(number).filling_history()).await;
        let outcome = outcome.unwrap();
        assert!(outcome.changed && !outcome.publication.current);
        assert_eq!(fixture.ask(CHAIN).await, chain);
        fixture.expect_sums().await;
        assert_eq!(fixture.visible().await, seen, "readers see what they saw");
    }
    assert_eq!(ask(&reader, history).await, "1");
    reader.batch_execute("COMMIT").await.unwrap();
    assert_eq!(fixture.ask(history).await, "5");
    assert_eq!(fixture.ask(POINTER).await, "1", "it never moved");
    let path = "SELECT string_agg(label::text, ' ' ORDER BY as_of) FROM insiders.history \
                WHERE customer_id = 'c60'";
    // In place 60 - 10n of run n, and its segment is its place modulo 3.
    assert_eq!(fixture.ask(path).await, "2 1 0 2 1");

    let again = fixture.publish(&run(2).filling_history()).await.unwrap();
    assert!(!again.changed, "the same again changes nothing");
    // A newer run is no history: readers see it.
    let newest = fixture.publish(&run(6).filling_history()).await.unwrap();
    assert!(newest.publication.current);
    assert_eq!(fixture.ask(CHAIN).await, "1 2<1 3<2 4<3 5<4 6<5");
    let back = "SELECT insiders.rollback_to(run_id) FROM insiders.kept_runs ORDER BY as_of LIMIT 1";
    fixture.ask(back).await;
    assert!(fixture.visible().await.starts_with(&id(1)));
}

#[tokio::test]
async fn history_that_would_be_dropped_at_once_is_refused() {
    let fixture = Fixture::new("beneath_kept").await;
    let keep = |number| run(number).keeping(2).filling_history();
    fixture.publish(&keep(5)).await.unwrap();
    fixture.publish(&keep(3)).await.unwrap();
    let error = fixture.publish(&keep(2)).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Superseded");
    assert!(
        error.to_string().contains("publish.keep_runs is 2"),
        "{error}"
    );
    assert_eq!(fixture.ask(CHAIN).await, "3 5<3");
    // A later moment takes the place of the earlier one.
    fixture.publish(&keep(4)).await.unwrap();
    assert_eq!(fixture.ask(CHAIN).await, "4<3 5<4");
    fixture.expect_sums().await;
    let error = fixture.publish(&run(1)).await.unwrap_err();
    assert!(error.to_string().contains("fill_history"), "{error}");
}
