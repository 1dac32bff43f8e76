//! Columns that may be null, beside runs that never had them.

use publish_to_rds::erase;

use super::fixture::{Fixture, Run, id};

/// Digests of the first word that erasures must keep to, from the columns that every run has.
const OLD_ROW: &str = "convert_to(customer_id, 'UTF8') || boolsend(is_guest) || float8send(gross_revenue) \
    || int8send(recency_days) || int8send(quantity_of_products) || int8send(returns) \
    || float8send(frequency) || float8send(embedding_x) || float8send(embedding_y) || int4send(label)";

impl Fixture {
    /// Rows of a run, and their digest as this SQL of a row's bytes gives it.
    async fn digest(&self, number: u32, row: &str) -> String {
        let word = |from: u8| {
            format!(
                "mod(sum(('x' || encode(substring(h FROM {from} FOR 8), 'hex'))::bit(64)::bigint) + 2::numeric ^ 127, 2::numeric ^ 64)"
            )
        };
        let hex = |word: String| {
            format!(
                "lpad(to_hex((CASE WHEN {word} < 2::numeric ^ 63 THEN {word} ELSE {word} - 2::numeric ^ 64 END)::bigint), 16, '0')"
            )
        };
        self.ask(&format!(
            "SELECT count(*), {} || {} FROM (SELECT sha256({row}) AS h \
             FROM insiders.segment_members WHERE run_id = '{}') hashes",
            hex(word(1)),
            hex(word(9)),
            id(number)
        ))
        .await
    }

    async fn recorded(&self, number: u32) -> String {
        let sql = "SELECT customers, row_digest FROM insiders.runs WHERE run_id";
        self.ask(&format!("{sql} = '{}'", id(number))).await
    }

    /// SQL of a row's bytes, as the database has it for a run.
    async fn row_bytes(&self, number: u32) -> String {
        let table = format!("insiders.segment_members_{}", id(number));
        self.ask(&format!("SELECT insiders.row_bytes('{table}')"))
            .await
    }
}

#[tokio::test]
async fn what_is_not_known_of_a_customer_is_null() {
    let fixture = Fixture::new("nulls").await;
    fixture.publish(&Run::new(1, 7)).await.unwrap();
    let value = "SELECT customer_id, purchases, rfm_group, p_alive, expected_purchases, clv \
        FROM insiders.insiders WHERE customer_id IN ('c3', 'c1') ORDER BY 1";
    assert_eq!(
        fixture.ask(value).await,
        "c1,2,Loyal,0.14285714285714285,0.01,2.5;c3,4,New,null,null,null"
    );
    let path = "SELECT rfm_group, clv FROM insiders.history WHERE customer_id = 'c1'";
    assert_eq!(fixture.ask(path).await, "Loyal,2.5");
}

#[tokio::test]
async fn the_database_and_the_publisher_agree_on_a_rows_bytes() {
    let fixture = Fixture::new("bytes").await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();
    let bytes = fixture.row_bytes(1).await;
    assert_eq!(fixture.digest(1, &bytes).await, fixture.recorded(1).await);
    assert_ne!(fixture.digest(1, OLD_ROW).await, fixture.recorded(1).await);
    erase(&fixture.database, &["c7".to_owned()]).await.unwrap();
    assert_eq!(fixture.digest(1, &bytes).await, fixture.recorded(1).await);
    // A value that is lost is noticed.
    fixture
        .ask("UPDATE insiders.segment_members SET clv = NULL WHERE customer_id = 'c8'")
        .await;
    assert_ne!(fixture.digest(1, &bytes).await, fixture.recorded(1).await);
}

#[tokio::test]
async fn a_run_from_before_keeps_its_digest_through_an_erasure() {
    let fixture = Fixture::new("before_value").await;
    fixture.publish(&Run::new(1, 50)).await.unwrap();
    // As the migration leaves a run that was published before it.
    let digest = fixture.digest(1, OLD_ROW).await;
    fixture
        .ask(&format!(
            "UPDATE insiders.segment_members SET purchases = NULL, rfm_recency = NULL, \
             rfm_frequency = NULL, rfm_monetary = NULL, rfm_group = NULL, p_alive = NULL, \
             expected_purchases = NULL, clv = NULL; \
             UPDATE insiders.runs SET row_digest = '{}'",
            digest.split_once(',').unwrap().1
        ))
        .await;
    let bytes = fixture.row_bytes(1).await;
    assert_eq!(fixture.digest(1, &bytes).await, digest);
    erase(&fixture.database, &["c7".to_owned()]).await.unwrap();
    assert_eq!(fixture.digest(1, OLD_ROW).await, fixture.recorded(1).await);
    // A run that is being dropped may lack the columns altogether.
    let dropped = format!("insiders.segment_members_{}", id(9));
    fixture
        .ask(&format!(
            "CREATE TABLE {dropped} (LIKE insiders.segment_members); \
             INSERT INTO {dropped} SELECT * FROM insiders.segment_members; \
             ALTER TABLE {dropped} DROP purchases, DROP rfm_recency, DROP rfm_frequency, \
             DROP rfm_monetary, DROP rfm_group, DROP p_alive, DROP expected_purchases, DROP clv"
        ))
        .await;
    let erased = erase(&fixture.database, &["c8".to_owned()]).await.unwrap();
    let name = format!("segment_members_{}", id(9));
    assert_eq!(erased.rows.get(&name), Some(&1), "{:?}", erased.rows);
}
