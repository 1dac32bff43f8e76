//! A person who was erased is nowhere, and does not come back.

use futures::StreamExt;
use publish_to_rds::{erase, publish_rows};
use shared::progress::Silent;

use super::fixture::{Fixture, Run, id};

/// The same run without one customer, as after the file was rewritten.
fn without(run: &Run, customer: &str) -> Run {
    let mut less = run.clone();
    let rows = &mut less.rows;
    let at = rows
        .features
        .customer_id
        .iter()
        .position(|id| id == customer)
        .unwrap();
    let others: Vec<usize> = (0..rows.features.len()).filter(|&row| row != at).collect();
    rows.features = rows.features.select(&others);
    rows.embedding_x.remove(at);
    rows.embedding_y.remove(at);
    rows.label.remove(at);
    rows.segment.remove(at);
    rows.next_step.remove(at);
    less.run.segments_sha256 = "e".repeat(64);
    less.profiled()
}

impl Fixture {
    /// Where in the schema, or in what the planner knows of it, a text is found.
    async fn traces(&self, text: &str) -> String {
        let tables = "SELECT string_agg(format('SELECT %L AS place FROM insiders.%I t \
            WHERE strpos(t::text, %L) > 0', c.relname, c.relname, $$TEXT$$), ' UNION ALL ') \
            FROM pg_class c WHERE c.relnamespace = 'insiders'::regnamespace AND c.relkind IN ('r', 'p')";
        let scan = self.ask(&tables.replace("TEXT", text)).await;
        let known = format!(
            "{scan} UNION ALL SELECT 'statistics of ' || tablename FROM pg_stats \
             WHERE schemaname = 'insiders' AND strpos(concat(most_common_vals::text, histogram_bounds::text), $${text}$$) > 0"
        );
        self.ask(&format!(
            "SELECT DISTINCT place FROM ({known}) found ORDER BY 1"
        ))
        .await
    }
}

/// Profiles that do not tell of the members that are there.
const WRONG_PROFILES: &str = "\
    SELECT p.run_id, p.label FROM insiders.segment_profiles p LEFT JOIN ( \
        SELECT run_id, label, count(*) AS n, avg(gross_revenue) AS mean, \
        count(*) / sum(count(*)) OVER (PARTITION BY run_id) AS share \
        FROM insiders.segment_members GROUP BY 1, 2) m USING (run_id, label) \
    WHERE coalesce(m.n, 0) <> p.customers OR abs(coalesce(m.mean, 0) - p.gross_revenue) > 1e-9 \
        OR abs(coalesce(m.share, 0) - p.share) > 1e-9";

#[tokio::test]
async fn an_erased_customer_is_nowhere_in_the_database() {
    let fixture = Fixture::new("erased").await;
    let ids = |extra: &[&str]| {
        (0..30)
            .map(|i| format!("c{i}"))
            .chain(extra.iter().map(|id| (*id).to_owned()))
            .collect()
    };
    fixture
        .publish(&Run::of(1, ids(&["who-enters", "who-leaves"])))
        .await
        .unwrap();
    fixture
        .publish(&Run::of(2, ids(&["who-stays", "who-enters"])))
        .await
        .unwrap();
    fixture
        .publish(&Run::of(3, ids(&["who-stays"])))
        .await
        .unwrap();
    let traces = fixture.traces("who-").await;
    assert!(!traces.contains("statistics"), "{traces}");
    // A load that somebody's death left behind, and samples as the planner took them before
    // it was told not to.
    let staging = format!("insiders.segment_members_{}_new", id(9));
    let first = format!("insiders.segment_members_{}", id(1));
    fixture
        .ask(&format!(
            "CREATE TABLE {staging} (LIKE insiders.segment_members); \
             INSERT INTO {staging} SELECT * FROM insiders.segment_members; \
             ALTER TABLE {first} ALTER customer_id SET STATISTICS 100; ANALYZE {first}"
        ))
        .await;
    let gone = ["who-enters", "who-leaves", "who-stays", "who-never-was"].map(str::to_owned);
    let before = fixture.traces("who-").await;
    for place in [
        "segment_members".to_owned(),
        format!("segment_moves_{}", id(3)),
        format!("statistics of segment_members_{}", id(1)),
    ] {
        assert!(before.contains(&place), "{before}");
    }
    let erased = erase(&fixture.database, &gone).await.unwrap();
    assert_eq!(erased.tombstones, 4);
    let [one, two, three, nine] = [id(1), id(2), id(3), id(9)];
    let rows = [
        (format!("segment_members_{one}"), 2),
        (format!("segment_members_{two}"), 2),
        (format!("segment_members_{three}"), 1),
        (format!("segment_members_{nine}_new"), 5),
        // One changed segment, one left, one entered; then the first left, too.
        (format!("segment_moves_{two}"), 3),
        (format!("segment_moves_{three}"), 1),
    ];
    let found = fixture.ask("SELECT count(*) FROM insiders.runs").await;
    assert_eq!(found, "3");
    assert_eq!(
        erased
            .rows
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        rows.into()
    );
    assert_eq!(fixture.traces("who-").await, "");
    assert_eq!(fixture.ask(WRONG_PROFILES).await, "");
    fixture.expect_sums().await;
    let counts = "SELECT string_agg(r.customers || '=' || (SELECT count(*) FROM insiders.segment_members s \
        WHERE s.run_id = r.run_id), ' ' ORDER BY as_of) FROM insiders.runs r";
    assert_eq!(fixture.ask(counts).await, "30=30 30=30 30=30");
    // Again: there is nobody to remove.
    let again = erase(&fixture.database, &gone).await.unwrap();
    assert_eq!((again.rows_removed(), again.tombstones), (0, 0));
    let other = fixture.ask("SELECT count(*) FROM insiders.erased_customers WHERE customer_sha256 = sha256('who-stays')").await;
    assert_eq!(other, "1");
}

#[tokio::test]
async fn the_same_run_again_brings_nobody_back() {
    let fixture = Fixture::new("never").await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();
    let run = Run::new(2, 100);
    fixture.publish(&run).await.unwrap();
    erase(&fixture.database, &["c7".to_owned()]).await.unwrap();
    // The same file, still with the customer: nothing is read.
    let again = fixture.publish(&run).await.unwrap();
    assert!(!again.changed);
    assert_eq!(again.publication.customers, 99);
    // The same rows in other bytes, with the customer: left out, and then they are the same.
    let mut repacked = run.clone();
    repacked.run.segments_sha256 = "f".repeat(64);
    let repacked = fixture.publish(&repacked).await.unwrap();
    assert_eq!(
        (repacked.changed, repacked.rows_read, repacked.erased),
        (false, 100, 1)
    );
    assert_eq!(repacked.publication, again.publication);
    // The file without the customer.
    let rewritten = fixture.publish(&without(&run, "c7")).await.unwrap();
    assert_eq!(
        (rewritten.changed, rewritten.rows_read, rewritten.erased),
        (false, 99, 0)
    );
    assert_eq!(rewritten.publication, again.publication);
    assert_eq!(fixture.traces("c7,").await, "");
    assert_eq!(fixture.visible().await, format!("{},99", id(2)));
}

#[tokio::test]
async fn a_later_run_leaves_the_customer_out_and_counts() {
    let fixture = Fixture::new("later").await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();
    erase(&fixture.database, &["c7".to_owned(), "c99".to_owned()])
        .await
        .unwrap();
    let outcome = fixture.publish(&Run::new(2, 100)).await.unwrap();
    assert_eq!(
        (
            outcome.rows_read,
            outcome.erased,
            outcome.publication.customers
        ),
        (100, 2, 98)
    );
    assert_eq!(outcome.migrations.unwrap().entered.customers, 49);
    assert_eq!(fixture.visible().await, format!("{},98", id(2)));
    assert_eq!(fixture.ask(WRONG_PROFILES).await, "");
    fixture.expect_sums().await;
    let all: Vec<String> = (0..100).map(|i| format!("c{i}")).collect();
    erase(&fixture.database, &all).await.unwrap();
    let error = fixture.publish(&Run::new(3, 100)).await.unwrap_err();
    assert!(error.is_bad_input(), "{error}");
}

#[tokio::test]
async fn an_erasure_during_a_load_is_not_lost() {
    let fixture = Fixture::new("during").await;
    fixture.publish(&Run::new(1, 10)).await.unwrap();
    let run = Run::new(2, 100_000);
    let database = &fixture.database;
    let batches = run.batches().enumerate().then(|(index, batch)| async move {
        if index == 1 {
            erase(database, &["c5".to_owned()]).await.unwrap();
        }
        batch
    });
    let error = publish_rows(database, &run.run, batches, &Silent)
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Insiders.Unavailable", "{error}");
    assert!(error.to_string().contains("erased"), "{error}");
    assert_eq!(fixture.visible().await, format!("{},9", id(1)));
    let outcome = fixture.publish(&run).await.unwrap();
    assert_eq!(outcome.erased, 1);
    assert_eq!(fixture.visible().await, format!("{},99999", id(2)));
}

#[tokio::test]
async fn an_erased_id_may_be_any_text() {
    let fixture = Fixture::new("erased_ids").await;
    let long = "客户\\'\"".repeat(3_000);
    let ids = [
        "",
        " ",
        "'; DROP SCHEMA insiders; --",
        "{a,b}",
        "\\",
        "é",
        "e\u{301}",
        "NULL",
        &long,
    ];
    let ids = ids.map(str::to_owned).to_vec();
    let mut all = ids.clone();
    all.push("other".to_owned());
    fixture.publish(&Run::of(1, all)).await.unwrap();
    let erased = erase(&fixture.database, &ids).await.unwrap();
    assert_eq!((erased.rows_removed(), erased.tombstones), (9, 9));
    assert_eq!(
        fixture
            .ask("SELECT customer_id FROM insiders.insiders")
            .await,
        "other"
    );
    let mut again = Run::of(2, ids);
    again.rows.features.customer_id[0] = "another".to_owned();
    let again = fixture.publish(&again).await.unwrap();
    assert_eq!((again.erased, again.publication.customers), (8, 1));
    let error = erase(&fixture.database, &["a\0".to_owned()])
        .await
        .unwrap_err();
    assert_eq!(error.name(), "Insiders.Config", "{error}");
}
