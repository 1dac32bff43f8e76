//! Publishing, with a fault at every request to S3. The database is real; its own faults are
//! in `publish/`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use insiders::local::{Install, LocalPostgres};
use publish_to_rds::{Database, Published, migrate};
use shared::Result;
use shared::contracts::RunState;
use shared::progress::Silent;
use shared::store::Store;
use tokio_postgres::{Client, NoTls};

use super::bucket::Prepared;
use super::fault::{
    BAD_DIGEST, DENIED, EXPIRED, Fault, INTERNAL, Kind, NOT_THERE, SKEWED, SLOW_DOWN, Times,
};
use super::proxy::{Point, Proxy};
use super::sweep::{caught, every, expect_clear};
use crate::parts::tally;

const ONCE: Times = Times::First(1);

/// Each with the name of the error in which it ends, if in any.
const FAULTS: [(Kind, Times, Option<&str>); 21] = [
    (INTERNAL, ONCE, None),
    (SLOW_DOWN, ONCE, None),
    (EXPIRED, ONCE, None),
    (SKEWED, ONCE, None),
    (BAD_DIGEST, ONCE, None),
    (Kind::Reset, ONCE, None),
    (Kind::LoseAnswer, ONCE, None),
    (Kind::BreakOff, ONCE, None),
    (Kind::Truncate, ONCE, None),
    (Kind::Silence, ONCE, None),
    (Kind::Stall, ONCE, None),
    (Kind::Trickle, ONCE, None),
    (Kind::FlipAnswer, ONCE, None),
    (Kind::FlipUpload, ONCE, None),
    (Kind::YearsOff, ONCE, None),
    (NOT_THERE, ONCE, Some("Insiders.NotFound")),
    (INTERNAL, Times::First(3), None),
    (Kind::LoseAnswer, Times::First(3), None),
    (INTERNAL, Times::Ever, Some("Insiders.Unavailable")),
    (EXPIRED, Times::Ever, Some("Insiders.Unavailable")),
    (DENIED, Times::Ever, Some("Insiders.Refused")),
];

/// A server, and a database on it that has the schema and no run.
struct Server {
    _dir: tempfile::TempDir,
    postgres: LocalPostgres,
    admin: Client,
    made: AtomicUsize,
}

impl Server {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let say = |text: &str| println!("{text}");
        let postgres = LocalPostgres::start(dir.path(), Install::IfAllowed(&say))
            .await
            .unwrap();
        let admin = connect(postgres.url()).await;
        for sql in [
            "ALTER SYSTEM SET fsync = off",
            "SELECT pg_reload_conf()",
            "CREATE DATABASE migrated TEMPLATE template0",
        ] {
            admin.simple_query(sql).await.unwrap();
        }
        let server = Self {
            _dir: dir,
            postgres,
            admin,
            made: AtomicUsize::new(0),
        };
        let database = Database::parse(&server.url("migrated")).unwrap();
        migrate(&database).await.unwrap();
        server
    }

    fn url(&self, name: &str) -> String {
        let (head, _) = self.postgres.url().rsplit_once('/').unwrap();
        format!("{head}/{name}")
    }

    async fn database(&self) -> String {
        let name = format!("case_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE migrated");
        self.admin.batch_execute(&create).await.unwrap();
        self.url(&name)
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn publish(store: &Store, url: &str, state: &RunState) -> Result<Published> {
    let context = publish_to_rds::Context {
        store: store.clone(),
        database: Database::parse(url).unwrap(),
        progress: Arc::new(Silent),
    };
    publish_to_rds::handle(&context, state.clone()).await
}

/// Customers that readers see, runs, and moves of the pointer.
async fn seen(client: &Client) -> [i64; 3] {
    let sql = "SELECT (SELECT count(*) FROM insiders.insiders), \
        (SELECT count(*) FROM insiders.runs), (SELECT count(*) FROM insiders.pointer_history)";
    let row = client.query_one(sql, &[]).await.unwrap();
    [row.get(0), row.get(1), row.get(2)]
}

struct Sweep {
    server: Server,
    prepared: Prepared,
    state: RunState,
    points: Vec<Point>,
    expected: BTreeMap<String, String>,
    whole: [i64; 3],
}

impl Sweep {
    async fn new() -> Self {
        let server = Server::start().await;
        let (prepared, state) = Prepared::to_publish().await;
        let bucket = prepared.serve().await;
        let proxy = Proxy::before(&bucket.s3, None).await;
        let url = server.database().await;
        publish(&proxy.store, &url, &state).await.unwrap();
        let whole = seen(&connect(&url).await).await;
        assert!(whole[0] > 20 && whole[1..] == [1, 1], "{whole:?}");
        Self {
            points: proxy.seen(),
            expected: bucket.contents(),
            server,
            prepared,
            state,
            whole,
        }
    }

    /// The calls that it took, or the error's name.
    async fn case(
        &self,
        kind: Kind,
        times: Times,
        ends: Option<&str>,
        at: &Point,
    ) -> std::result::Result<usize, &'static str> {
        let url = self.server.database().await;
        let client = connect(&url).await;
        let bucket = self.prepared.serve().await;
        let fault = Fault {
            kind,
            at: at.clone(),
            times,
        };
        let what = format!("{fault:?}");
        let proxy = Proxy::before(&bucket.s3, Some(fault)).await;
        let mut calls = 0;
        let result = loop {
            calls += 1;
            let result = publish(&proxy.store, &url, &self.state).await;
            let there = seen(&client).await;
            assert!(
                there == [0, 0, 0] || there == self.whole,
                "{what}: {there:?}"
            );
            bucket.expect_whole();
            match result {
                Err(error) if error.is_retryable() && times != Times::Ever && calls < 3 => {
                    expect_clear(&error);
                }
                other => break other,
            }
        };
        assert!(proxy.injected() > 0, "{what}");
        let name = match &result {
            Ok(_) => None,
            Err(error) => {
                expect_clear(error);
                Some(error.name())
            }
        };
        assert_eq!(name, ends, "{what}: {result:?}");
        if result.is_err() {
            proxy.heal();
            publish(&proxy.store, &url, &self.state).await.unwrap();
        }
        assert_eq!(seen(&client).await, self.whole, "{what}");
        assert_eq!(bucket.contents(), self.expected, "{what}");
        name.map_or(Ok(calls), Err)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_survives_a_fault_at_every_request() {
    let sweep = Sweep::new().await;
    for point in &sweep.points {
        println!("publish: {} #{}", point.name, point.nth);
    }
    let mut broken = 0;
    for (kind, times, ends) in FAULTS {
        let points = sweep.points.iter().filter(|at| kind.fits_name(&at.name));
        let cases = points
            .step_by(every(kind))
            .map(|at| caught(sweep.case(kind, times, ends, at)));
        let cases = futures::stream::iter(cases).buffer_unordered(4);
        let ended: Vec<_> = cases.collect().await;
        broken += ended.iter().filter(|case| case.is_none()).count();
        let ended: Vec<_> = ended.into_iter().flatten().collect();
        let count = |is: &dyn Fn(&std::result::Result<usize, &str>) -> bool| {
            ended.iter().filter(|end| is(end)).count()
        };
        let (once, again) = (count(&|e| *e == Ok(1)), count(&|e| matches!(e, Ok(2..))));
        let errors = count(&|e| e.is_err());
        tally(
            "publish: readers see the run whole or not at all, then once",
            &format!("{}, {}", kind.called(), times.called()),
            ended.len(),
            &format!(
                "{once} done at once, {again} when called again, {errors} {}",
                ends.map_or("errors".to_owned(), |name| format!("{name}, then done"))
            ),
        );
    }
    sweep.server.postgres.stop().await.unwrap();
    assert_eq!(broken, 0, "{broken} cases, each told above");
}
