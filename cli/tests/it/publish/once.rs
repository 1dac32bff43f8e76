//! The same run again, older runs, and many publishers at once.

use publish_to_rds::publish_rows;
use shared::progress::Silent;

use super::fixture::{Fixture, Run, id, untouched};

/// Everything that a publication could change, with the transaction that wrote it.
pub(super) const STATE: &str = "\
    SELECT string_agg(r::text, '|' ORDER BY r::text) FROM ( \
    SELECT 'run', xmin::text, run_id, row_digest FROM insiders.runs \
    UNION ALL SELECT 'current', xmin::text, run_id, move_id::text FROM insiders.current_run \
    UNION ALL SELECT 'move', xmin::text, to_run_id, '' FROM insiders.pointer_history \
    UNION ALL SELECT 'profile', xmin::text, run_id, label::text FROM insiders.segment_profiles \
    UNION ALL SELECT 'members', max(xmin::text), run_id, count(*)::text \
        FROM insiders.segment_members GROUP BY run_id \
    UNION ALL SELECT 'table', c.relfilenode::text, c.oid::text, c.relname \
        FROM pg_class c WHERE c.relnamespace = 'insiders'::regnamespace \
    UNION ALL SELECT 'migration', xmin::text, name, sha256 FROM insiders.schema_migrations) r";

#[tokio::test]
async fn publishing_the_same_run_again_changes_nothing() {
    let fixture = Fixture::new("again").await;
    let run = Run::new(1, 100);
    let first = fixture.publish(&run).await.unwrap();
    assert!(first.changed && first.publication.current);
    assert_eq!(first.publication.customers, 100);
    let state = fixture.ask(STATE).await;
    let again = publish_rows(&fixture.database, &run.run, untouched(), &Silent)
        .await
        .unwrap();
    assert!(!again.changed);
    assert_eq!(again.publication, first.publication);
    assert_eq!(fixture.ask(STATE).await, state);
    // The same rows in other bytes: they are read, and still nothing changes.
    let mut repacked = run.clone();
    repacked.run.segments_sha256 = "f".repeat(64);
    let again = fixture.publish(&repacked).await.unwrap();
    assert!(!again.changed);
    assert_eq!(again.publication, first.publication);
    assert_eq!(fixture.ask(STATE).await, state);
}

#[tokio::test]
async fn the_views_show_the_run() {
    let fixture = Fixture::new("views").await;
    fixture.publish(&Run::new(1, 7)).await.unwrap();
    // Customer 4: (4 + 1) * 1.25, 4 days, 4 * 7 products, 4 % 2 returns, segment 4 % 3; scores
    // 4 % 5 + 1 and the two after it, the fifth group, 4 / 7, 0.04 and 10 to be expected.
    let row = fixture
        .ask("SELECT * FROM insiders.insiders WHERE customer_id = 'c4'")
        .await;
    let run = id(1);
    assert_eq!(
        row,
        format!(
            "c4,6.25,4,28,0,0.005,1,Segment 1,t,-2.5,0.5,{run},\
             5,5,1,2,Promising,0.5714285714285714,0.04,10,null,null,null,null"
        )
    );
    let segments = "SELECT label, segment, customers, run_id, as_of FROM insiders.segments";
    assert_eq!(
        fixture.ask(segments).await,
        format!(
            "0,Insiders,3,{run},2011-01-02 12:00:00;1,Segment 1,2,{run},2011-01-02 12:00:00;2,Segment 2,2,{run},2011-01-02 12:00:00"
        )
    );
    fixture.publish(&Run::new(2, 7)).await.unwrap();
    let path =
        "SELECT as_of, gross_revenue FROM insiders.history WHERE customer_id = 'c4' ORDER BY as_of";
    assert_eq!(
        fixture.ask(path).await,
        "2011-01-02 12:00:00,6.25;2011-01-03 12:00:00,7.5"
    );
}

#[tokio::test]
async fn an_older_run_is_refused_unless_forced() {
    let fixture = Fixture::new("older").await;
    fixture.publish(&Run::new(5, 50)).await.unwrap();
    let error = fixture.publish(&Run::new(4, 40)).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Superseded");
    let text = error.to_string();
    for part in [
        "2011-01-05T12:00:00",
        "2011-01-06T12:00:00",
        "force_publish",
        "--force-publish",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(fixture.visible().await, format!("{},50", id(5)));
    fixture.publish(&Run::new(4, 40).forced()).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},40", id(4)));
    // The newer one is there but no longer current: a repeated event leaves it so.
    let run = Run::new(5, 50);
    let again = publish_rows(&fixture.database, &run.run, untouched(), &Silent)
        .await
        .unwrap();
    assert!(!again.changed && !again.publication.current);
    assert_eq!(fixture.visible().await, format!("{},40", id(4)));
    let forced = run.forced();
    let moved = publish_rows(&fixture.database, &forced.run, untouched(), &Silent)
        .await
        .unwrap();
    assert!(moved.changed && moved.publication.current);
    assert_eq!(fixture.visible().await, format!("{},50", id(5)));
    let moves =
        "SELECT from_run_id, to_run_id, forced FROM insiders.pointer_history ORDER BY move_id";
    let (four, five) = (id(4), id(5));
    let expected = format!("null,{five},f;{five},{four},t;{four},{five},t");
    assert_eq!(fixture.ask(moves).await, expected);
}

#[tokio::test]
async fn other_rows_under_the_same_run_are_refused_unless_forced() {
    let fixture = Fixture::new("replaced").await;
    fixture.publish(&Run::new(1, 100)).await.unwrap();
    let mut other = Run::new(1, 101);
    other.run.segments_sha256 = "0".repeat(64);
    let error = fixture.publish(&other).await.unwrap_err();
    assert_eq!(error.name(), "Insiders.Conflict");
    assert_eq!(fixture.visible().await, format!("{},100", id(1)));
    fixture.publish(&other.forced()).await.unwrap();
    assert_eq!(fixture.visible().await, format!("{},101", id(1)));
    assert_eq!(
        fixture
            .ask("SELECT count(*) FROM insiders.pointer_history")
            .await,
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_publishers_at_once_the_newest_wins() {
    // In order, in reverse, and jumping about.
    for (name, step) in [("sixteen_1", 1), ("sixteen_16", 16), ("sixteen_7", 7)] {
        let order = (1..=16).map(|place| place * step % 17).collect();
        sixteen_publishers(name, order).await;
    }
}

async fn sixteen_publishers(name: &'static str, order: Vec<u32>) {
    let fixture = std::sync::Arc::new(Fixture::new(name).await);
    let mut publishers = Vec::new();
    for number in order {
        let fixture = std::sync::Arc::clone(&fixture);
        publishers.push(tokio::spawn(async move {
            let run = Run::new(number, 20 + number as usize);
            match fixture.publish(&run).await {
                Ok(outcome) => assert!(outcome.changed),
                Err(error) => assert_eq!(error.name(), "Insiders.Superseded", "{error}"),
            }
        }));
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    assert_eq!(fixture.visible().await, format!("{},36", id(16)));
    // Each move begins where the one before ended, and none goes back in time.
    let broken = "SELECT count(*) FROM (SELECT from_run_id, to_as_of, \
        lag(to_run_id) OVER w AS before, lag(to_as_of) OVER w AS before_as_of \
        FROM insiders.pointer_history WINDOW w AS (ORDER BY move_id)) m \
        WHERE from_run_id IS DISTINCT FROM before OR to_as_of < before_as_of";
    assert_eq!(fixture.ask(broken).await, "0");
    let runs = "SELECT (SELECT count(*) FROM insiders.runs) = (SELECT count(*) FROM insiders.pointer_history)";
    assert_eq!(fixture.ask(runs).await, "t");
    let last = "SELECT c.move_id = max(p.move_id) FROM insiders.current_run c, insiders.pointer_history p \
                GROUP BY c.move_id";
    assert_eq!(fixture.ask(last).await, "t");
    // Each is compared with the run that it took the place of.
    let compared = "SELECT count(*) FROM insiders.pointer_history p JOIN insiders.runs r \
        ON r.run_id = p.to_run_id WHERE r.previous_run_id IS DISTINCT FROM p.from_run_id \
        OR p.from_run_id IS NOT NULL AND NOT EXISTS \
        (SELECT FROM insiders.segment_matrix x WHERE x.run_id = r.run_id)";
    assert_eq!(fixture.ask(compared).await, "0");
    fixture.expect_sums().await;
}
