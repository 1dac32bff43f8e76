//! Who changed segment between two runs.

use publish_to_rds::Moved;

use super::fixture::{Fixture, Run, id, run_id};

/// Customers `c{i}`; the segment of a customer is its place modulo 3.
fn customers(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|number| format!("c{number}")).collect()
}

/// Run 1 has customers 0 to 99. In run 2, 0 to 20 and 60 left, 100 to 129 entered, 21 to 59
/// are in the segment of before, 61 to 99 in another.
fn two_runs() -> [Run; 2] {
    let second = customers((21..130).filter(|&number| number != 60));
    [Run::new(1, 100), Run::of(2, second)]
}

/// Cells whose sums are not the members': by run, which side, segment.
const WRONG: &str = "\
    WITH members AS (SELECT run_id, label, count(*) AS n, sum(gross_revenue) AS revenue \
        FROM insiders.segment_members GROUP BY run_id, label), \
    sides AS ( \
        SELECT x.run_id, 'to' AS side, x.run_id AS of_run, x.to_label AS label, \
            sum(x.customers) AS n, sum(x.gross_revenue) AS revenue \
        FROM insiders.migration_matrix x WHERE x.to_label IS NOT NULL GROUP BY 1, 3, 4 \
        UNION ALL \
        SELECT x.run_id, 'from', x.from_run_id, x.from_label, sum(x.customers), NULL \
        FROM insiders.migration_matrix x WHERE x.from_label IS NOT NULL GROUP BY 1, 3, 4), \
    rows AS (SELECT run_id, from_label, to_label, count(*) AS n, sum(gross_revenue) AS revenue \
        FROM insiders.migrations GROUP BY 1, 2, 3) \
    SELECT s.run_id, side, label FROM sides s JOIN members m USING (label) \
    WHERE m.run_id = s.of_run AND (m.n <> s.n OR abs(m.revenue - s.revenue) > 1e-9 * m.revenue) \
    UNION ALL SELECT s.run_id, side, label FROM sides s \
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.run_id = s.of_run AND m.label = s.label) \
        AND EXISTS (SELECT FROM members m WHERE m.run_id = s.of_run) AND s.n > 0 \
    UNION ALL SELECT coalesce(r.run_id, x.run_id), 'cell', x.to_label FROM rows r \
    FULL JOIN (SELECT * FROM insiders.migration_matrix WHERE from_label IS DISTINCT FROM to_label) x \
        ON x.run_id = r.run_id AND coalesce(x.from_label, -1) = coalesce(r.from_label, -1) \
        AND coalesce(x.to_label, -1) = coalesce(r.to_label, -1) \
    WHERE r.n IS DISTINCT FROM x.customers \
        OR abs(r.revenue - x.gross_revenue) > 1e-9 * x.gross_revenue";

impl Fixture {
    /// Checks every matrix against the members and against the customers who moved.
    pub(super) async fn expect_sums(&self) {
        assert_eq!(self.ask(WRONG).await, "");
    }
}

fn counts(migrations: &Moved) -> [u64; 4] {
    [
        migrations.entered.customers,
        migrations.left.customers,
        migrations.moved.customers,
        migrations.stayed.customers,
    ]
}

#[tokio::test]
async fn a_matrix_adds_up_to_the_members_of_both_runs() {
    let fixture = Fixture::new("matrix").await;
    let [first, second] = two_runs();
    let outcome = fixture.publish(&first).await.unwrap();
    assert_eq!(
        outcome.migrations, None,
        "the first run is compared with none"
    );
    let outcome = fixture.publish(&second).await.unwrap();
    let migrations = outcome.migrations.unwrap();
    assert_eq!(migrations.from_run_id, id(1));
    assert_eq!(counts(&migrations), [30, 22, 39, 39]);
    fixture.expect_sums().await;
    // Customers 0 to 20 and 60 left with their revenue of run 1: (i + 1) * 1.25.
    let left: f64 = (0..21).chain([60]).map(|i| f64::from(i + 1) * 1.25).sum();
    assert_eq!(migrations.left.gross_revenue, left);
    let row = "SELECT from_label, from_segment, to_label, to_segment, gross_revenue, from_run_id \
               FROM insiders.migrations WHERE customer_id = ";
    let one = id(1);
    // Customer 61 is in place 39 of run 2.
    let moved = fixture.ask(&format!("{row} 'c61'")).await;
    assert_eq!(moved, format!("1,Segment 1,0,Insiders,51.25,{one}"));
    let entered = fixture.ask(&format!("{row} 'c100'")).await;
    assert_eq!(entered, format!("null,null,0,Insiders,100,{one}"));
    let left = fixture.ask(&format!("{row} 'c3'")).await;
    assert_eq!(left, format!("0,Insiders,null,null,5,{one}"));
    assert_eq!(
        fixture.ask(&format!("{row} 'c30'")).await,
        "",
        "who stayed did not migrate"
    );
    // The same again: nothing changes, and the same is told.
    let again = fixture.publish(&second).await.unwrap();
    assert_eq!((again.changed, again.migrations), (false, Some(migrations)));
}

#[tokio::test]
async fn a_run_is_compared_with_the_one_that_readers_saw() {
    let fixture = Fixture::new("compared").await;
    let [first, second] = two_runs();
    fixture.publish(&first).await.unwrap();
    fixture.publish(&second).await.unwrap();
    let back = run_id(1);
    publish_to_rds::rollback(&fixture.database, &back)
        .await
        .unwrap();
    let outcome = fixture.publish(&Run::new(3, 100)).await.unwrap();
    let migrations = outcome.migrations.unwrap();
    assert_eq!(migrations.from_run_id, id(1), "run 2 was gone back from");
    assert_eq!(counts(&migrations), [0, 0, 0, 100]);
    // Other rows in the place of the current run: compared with what it was compared with.
    let mut other = Run::new(3, 90).forced();
    other.run.segments_sha256 = "0".repeat(64);
    let migrations = fixture.publish(&other).await.unwrap().migrations.unwrap();
    assert_eq!(migrations.from_run_id, id(1));
    assert_eq!(counts(&migrations), [0, 10, 0, 90]);
    fixture.expect_sums().await;
}

#[tokio::test]
async fn a_matrix_outlives_the_run_before() {
    let fixture = Fixture::new("outlives").await;
    let [first, second] = two_runs();
    fixture.publish(&first).await.unwrap();
    let outcome = fixture.publish(&second.keeping(1)).await.unwrap();
    assert_eq!(
        fixture.ask("SELECT count(*) FROM insiders.kept_runs").await,
        "1"
    );
    assert_eq!(counts(&outcome.migrations.unwrap()), [30, 22, 39, 39]);
    fixture.expect_sums().await;
    let moves = "SELECT count(*), count(DISTINCT run_id) FROM insiders.migrations";
    assert_eq!(fixture.ask(moves).await, "91,1");
    // Replaced by force, it has nothing to be compared with any more.
    let mut other = Run::new(2, 50).forced();
    other.run.segments_sha256 = "0".repeat(64);
    assert_eq!(fixture.publish(&other).await.unwrap().migrations, None);
    assert_eq!(fixture.ask(moves).await, "0,0");
    fixture.expect_sums().await;
}

#[tokio::test]
async fn a_customers_path_is_found_by_an_index_in_every_run() {
    let fixture = Fixture::new("path").await;
    for number in 1..=3 {
        // From run to run, everybody is one place further on.
        let ids = customers(1000 - number..6000);
        fixture.publish(&Run::of(number, ids)).await.unwrap();
    }
    fixture.expect_sums().await;
    let path =
        "SELECT label, run_id FROM insiders.history WHERE customer_id = 'c1002' ORDER BY as_of";
    let [one, two, three] = [id(1), id(2), id(3)];
    assert_eq!(
        fixture.ask(path).await,
        format!("0,{one};1,{two};2,{three}")
    );
    let moves = "SELECT from_label, to_label, run_id FROM insiders.migrations \
                 WHERE customer_id = 'c1002' ORDER BY as_of";
    assert_eq!(fixture.ask(moves).await, format!("0,1,{two};1,2,{three}"));
    for (query, table, index) in [
        (path, "segment_members", "_key"),
        (moves, "segment_moves", "_customer"),
    ] {
        let plan = fixture.ask(&format!("EXPLAIN (COSTS OFF) {query}")).await;
        assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
        assert!(plan.contains(&format!("{table}_{three}{index}")), "{plan}");
    }
}
