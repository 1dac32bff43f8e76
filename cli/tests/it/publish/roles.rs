//! What the schema tells of itself, and who may read it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use insiders::local::{Install, LocalPostgres};
use publish_to_rds::{Database, migrate, publish_rows};
use shared::progress::Silent;

use super::fixture::{Fixture, Run, ask, connect, id};

const VIEWS: [&str; 12] = [
    "clv_by_segment",
    "history",
    "insiders",
    "kept_runs",
    "migration_matrix",
    "migrations",
    "next_step",
    "rfm_by_segment",
    "run_health",
    "segment_trend",
    "segments",
    "visible_run",
];

#[tokio::test]
async fn everything_has_a_comment() {
    let fixture = Fixture::new("comments").await;
    for number in 1..=2 {
        fixture.publish(&Run::new(number, 10)).await.unwrap();
    }
    let relations = "FROM pg_class c WHERE c.relnamespace = 'insiders'::regnamespace \
                     AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
    let columns = relations.replace("pg_class c", "pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped");
    let functions = "FROM pg_proc p WHERE p.pronamespace = 'insiders'::regnamespace";
    // What is looked at is there.
    let all = format!(
        "SELECT (SELECT count(*) {relations}) > 15, (SELECT count(*) {columns}) > 100, (SELECT count(*) {functions}) > 5"
    );
    assert_eq!(fixture.ask(&all).await, "t,t,t");
    let bare = format!(
        "SELECT c.relname {relations} AND coalesce(obj_description(c.oid, 'pg_class'), '') = '' \
         UNION ALL SELECT c.relname || '.' || a.attname {columns} AND coalesce(col_description(c.oid, a.attnum), '') = '' \
         UNION ALL SELECT p.proname {functions} AND coalesce(obj_description(p.oid, 'pg_proc'), '') = ''"
    );
    assert_eq!(fixture.ask(&bare).await, "");
}

#[tokio::test]
async fn a_reader_reads_the_views_and_nothing_else() {
    let fixture = Fixture::new("reader").await;
    for number in 1..=2 {
        fixture.publish(&Run::new(number, 10)).await.unwrap();
    }
    let reader = fixture.connect().await;
    reader
        .batch_execute("SET ROLE insiders_reader")
        .await
        .unwrap();
    let views = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class \
                 WHERE relnamespace = 'insiders'::regnamespace AND relkind = 'v'";
    assert_eq!(fixture.ask(views).await, VIEWS.join(" "));
    for view in VIEWS {
        ask(&reader, &format!("SELECT * FROM insiders.{view}")).await;
    }
    assert_eq!(
        ask(&reader, "SELECT count(*) FROM insiders.insiders").await,
        "10"
    );
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'insiders'::regnamespace \
                  AND relkind IN ('r', 'p')";
    let tables = fixture.ask(tables).await;
    let mut refused: Vec<String> = tables
        .split(';')
        .map(|table| format!("SELECT * FROM insiders.{table}"))
        .collect();
    assert!(refused.len() > 10);
    refused.extend([
        format!("SELECT insiders.rollback_to('{}')", id(1)),
        "SELECT insiders.erase(ARRAY['c1'])".to_owned(),
        "SELECT insiders.grant_reader('insiders_reader')".to_owned(),
        format!("SELECT insiders.recount('{}')", id(1)),
        "DELETE FROM insiders.runs".to_owned(),
        "CREATE TABLE insiders.mine (n int)".to_owned(),
    ]);
    for sql in refused {
        let error = reader.simple_query(&sql).await.unwrap_err();
        let code = error.code().map(|code| code.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error:?}");
    }
    assert_eq!(fixture.visible().await, format!("{},10", id(2)));
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn without_the_right_to_create_roles_the_reader_is_left_to_an_administrator() {
    // A server of its own: roles are the server's, and the other tests' publisher makes it.
    let dir = tempfile::tempdir().unwrap();
    let say = |text: &str| println!("{text}");
    let server = LocalPostgres::start(dir.path(), Install::IfAllowed(&say))
        .await
        .unwrap();
    let admin = connect(server.url()).await;
    admin
        .batch_execute("CREATE ROLE publisher LOGIN PASSWORD 'p'")
        .await
        .unwrap();
    admin
        .batch_execute("CREATE DATABASE managed OWNER publisher")
        .await
        .unwrap();
    let address = server
        .url()
        .split_once('@')
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0;
    let database = Database::parse(&format!("postgres://publisher:p@{address}/managed")).unwrap();

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    migrate(&database).await.unwrap();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("WARN"), "{text}");
    assert!(
        text.contains("CREATE ROLE insiders_reader NOLOGIN"),
        "{text}"
    );

    let run = Run::new(1, 10);
    publish_rows(&database, &run.run, run.batches(), &Silent)
        .await
        .unwrap();
    let publisher = connect(&format!("postgres://publisher:p@{address}/managed")).await;
    admin
        .batch_execute("CREATE ROLE insiders_reader NOLOGIN")
        .await
        .unwrap();
    ask(
        &publisher,
        "SELECT insiders.grant_reader('insiders_reader')",
    )
    .await;
    admin
        .batch_execute("CREATE ROLE analyst LOGIN PASSWORD 'a' IN ROLE insiders_reader")
        .await
        .unwrap();
    let analyst = connect(&format!("postgres://analyst:a@{address}/managed")).await;
    assert_eq!(
        ask(&analyst, "SELECT count(*) FROM insiders.insiders").await,
        "10"
    );
    // A publisher that is no superuser erases and goes back as well.
    let erased = publish_to_rds::erase(&database, &["c1".to_owned()])
        .await
        .unwrap();
    assert_eq!(erased.rows_removed(), 1);
    assert_eq!(
        ask(&analyst, "SELECT count(*) FROM insiders.insiders").await,
        "9"
    );
    server.stop().await.unwrap();
}
