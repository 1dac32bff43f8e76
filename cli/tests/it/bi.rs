//! What BI tools are given, against runs that were really published, with the rights of a
//! reader.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use insiders::local::{Install, LocalPostgres};
use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use crate::parts::{run, shop};

/// Panels of the dashboard with the columns that they draw.
const PANELS: [(&str, &[&str]); 15] = [
    ("Customers", &["customers"]),
    ("Best segment's share of customers", &["share"]),
    ("Best segment's share of revenue", &["revenue_share"]),
    ("Days since the data end", &["days_old"]),
    ("Rows that could not be read", &["quarantined_share"]),
    ("Silhouette", &["silhouette"]),
    ("Customers by segment", &["time", "metric", "value"]),
    ("Revenue by segment", &["time", "metric", "value"]),
    (
        "Segments",
        &[
            "segment",
            "customers",
            "share",
            "revenue_share",
            "mean_revenue",
            "recency_days",
            "frequency",
            "returns",
        ],
    ),
    (
        "Value to come by segment",
        &["segment", "total_clv", "total_revenue"],
    ),
    (
        "Segments beside RFM groups",
        &[
            "segment",
            "rfm_group",
            "customers",
            "share_of_segment",
            "share_of_group",
            "total_revenue",
        ],
    ),
    (
        "Who moved in the last run",
        &["from_segment", "to_segment", "customers", "gross_revenue"],
    ),
    (
        "Customers worth most to come",
        &[
            "customer_id",
            "segment",
            "rfm_group",
            "gross_revenue",
            "recency_days",
            "p_alive",
            "expected_purchases",
            "clv",
        ],
    ),
    (
        "Rows of each run",
        &["time", "rows_kept", "rows_dropped", "rows_quarantined"],
    ),
    (
        "Quality of the segments",
        &["time", "silhouette", "largest_psi"],
    ),
];

fn file(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infra/dashboards")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&file("grafana-insiders.json")).unwrap()
}

/// A panel's statement as Grafana sends it: the macros that we use, as its documentation says
/// what they become.
fn statement(panel: &Value) -> String {
    let sql = panel["targets"][0]["rawSql"].as_str().unwrap();
    let from = "'2000-01-01T00:00:00Z'";
    let sql = sql.replace(
        "$__timeFilter(as_of)",
        &format!("as_of BETWEEN {from} AND '2100-01-01T00:00:00Z'"),
    );
    assert!(!sql.contains('$'), "a macro that is not known: {sql}");
    sql
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Columns and number of rows of a statement.
async fn columns(client: &Client, sql: &str) -> (Vec<(String, Type)>, usize) {
    let statement = client.prepare(sql).await.unwrap();
    let columns = statement.columns().iter();
    let columns = columns.map(|column| (column.name().to_owned(), column.type_().clone()));
    let columns = columns.collect();
    (columns, client.query(&statement, &[]).await.unwrap().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gets_what_each_panel_and_each_question_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = tempfile::tempdir().unwrap();
    let server = LocalPostgres::start(postgres.path(), Install::IfAllowed(&|_| ()))
        .await
        .unwrap();
    let (sales, data) = (dir.path().join("shop.csv"), dir.path().join("data"));
    std::fs::write(&sales, shop(30_000, 0.002)).unwrap();
    // Half a year, then all of it by the same models: segments that have moved.
    for more in [&["--as-of", "2025-06-30"][..], &[]] {
        let url = ["--database-url", server.url()];
        run(&sales, &data, &[&url[..], more].concat());
    }
    let reader = connect(server.url()).await;
    reader
        .batch_execute("SET ROLE insiders_reader")
        .await
        .unwrap();

    let dashboard = dashboard();
    let wanted: BTreeMap<&str, &[&str]> = PANELS.into_iter().collect();
    let mut seen = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        let (found, rows) = columns(&reader, &statement(panel)).await;
        assert!(rows > 0, "{title} is empty");
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        if title == "Time of each run" {
            assert_eq!(names, ["time", "seconds"]);
        } else {
            assert_eq!(names, wanted[title], "{title}");
        }
        if panel["targets"][0]["format"] == "time_series" {
            assert_eq!(found[0], ("time".to_owned(), Type::TIMESTAMP), "{title}");
            assert!(rows >= 2, "{title} has {rows} points");
        }
        seen.insert(title.to_owned());
    }
    assert_eq!(seen.len(), PANELS.len() + 1);

    let mut questions = 0;
    for question in file("questions.sql").split("-- question: ").skip(1) {
        let (name, sql) = question.split_once('\n').unwrap();
        let (_, rows) = columns(&reader, sql.trim().trim_end_matches(';')).await;
        assert!(rows > 0, "{name} has no answer");
        questions += 1;
    }
    assert_eq!(questions, 6);

    figures_agree(&reader).await;
    let error = reader
        .query("SELECT * FROM insiders.runs", &[])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("db error"), "{error}");
    drop(reader);
    server.stop().await.unwrap();
}

/// Each view adds up to what the tables of customers say.
async fn figures_agree(reader: &Client) {
    for sql in [
        "SELECT sum(customers)::bigint = (SELECT count(*) FROM insiders.insiders) FROM insiders.rfm_by_segment",
        "SELECT sum(customers)::bigint = (SELECT count(*) FROM insiders.insiders) \
         AND sum(valued_customers)::bigint = (SELECT count(clv) FROM insiders.insiders) \
         AND sum(valued_customers)::bigint = (SELECT count(*) FROM insiders.insiders WHERE NOT is_guest) \
         AND abs(sum(total_clv) / (SELECT sum(clv) FROM insiders.insiders) - 1) < 1e-9 \
         FROM insiders.clv_by_segment",
        "SELECT sum(t.customers)::bigint = (SELECT count(*) FROM insiders.history) \
         AND abs(sum(t.total_revenue) / (SELECT sum(gross_revenue) FROM insiders.history) - 1) < 1e-9 \
         FROM insiders.segment_trend t",
        "SELECT count(*) = 2 AND count(*) FILTER (WHERE is_current) = 1 \
         AND bool_and(rows_read >= rows_kept + rows_dropped + rows_quarantined) \
         AND bool_and(quarantined_share BETWEEN 0 AND 0.01) AND bool_and(days_old > 0) \
         AND bool_and(silhouette BETWEEN -1 AND 1) AND bool_and(seconds > 0) \
         AND count(largest_psi) = 1 FROM insiders.run_health",
        "SELECT bool_and(abs(total - 1) < 1e-9) FROM (SELECT sum(share_of_segment) AS total \
         FROM insiders.rfm_by_segment GROUP BY label) shares",
    ] {
        let holds: Option<bool> = reader.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(holds, Some(true), "{sql}");
    }
}

/// What Grafana asks of a dashboard that is imported anywhere.
#[test]
fn the_dashboard_names_no_database_and_its_panels_do_not_overlap() {
    let dashboard = dashboard();
    let variable = &dashboard["templating"]["list"][0];
    assert_eq!(variable["type"], "datasource");
    assert!(
        dashboard.get("id").is_none(),
        "an id is the server's to give"
    );
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        for place in [panel, &panel["targets"][0]] {
            assert_eq!(place["datasource"]["uid"], "${datasource}");
            assert_eq!(place["datasource"]["type"], variable["query"]);
        }
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "a dashboard is 24 wide");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(cells.insert((x, y)), "{} overlaps", panel["title"]);
            }
        }
    }
}
