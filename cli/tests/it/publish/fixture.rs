//! One server for all tests, one database for each, and runs made of numbers.

use std::sync::{Arc, Weak};

use arrow_array::RecordBatch;
use futures::{Stream, stream};
use insiders::local::{Install, LocalPostgres};
use publish_to_rds::{Database, Outcome, PublishRun, RunId, publish_rows};
use shared::Result;
use shared::features::Features;
use shared::progress::Silent;
use shared::segments::next_step::{NextStep, Purchase};
use shared::segments::{Profile, Segment};
use shared::tables::{SegmentRows, segments_batches};
use shared::value::{Group, Value};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A server and the folder of its data, both gone with the last test that uses them.
pub(super) struct Server {
    postgres: LocalPostgres,
    _dir: tempfile::TempDir,
}

static SERVER: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

async fn server() -> Arc<Server> {
    let mut running = SERVER.lock().await;
    if let Some(server) = running.upgrade() {
        return server;
    }
    let dir = tempfile::tempdir().unwrap();
    let say = |text: &str| println!("{text}");
    let postgres = LocalPostgres::start(dir.path(), Install::IfAllowed(&say))
        .await
        .unwrap();
    // Publishers die here, the machine does not: nothing has to reach the disk.
    let admin = connect(postgres.url()).await;
    for sql in ["ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"] {
        admin.simple_query(sql).await.unwrap();
    }
    let server = Arc::new(Server {
        postgres,
        _dir: dir,
    });
    *running = Arc::downgrade(&server);
    server
}

/// A database of a test's own.
pub(super) struct Fixture {
    _server: Option<Arc<Server>>,
    pub(super) url: String,
    pub(super) database: Database,
    client: Client,
}

impl Fixture {
    /// An empty database called `name`.
    pub(super) async fn new(name: &'static str) -> Self {
        let server = server().await;
        let base = server.postgres.url().to_owned();
        let admin = connect(&base).await;
        admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name}"))
            .await
            .unwrap();
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .unwrap();
        let url = format!("{}/{name}", base.rsplit_once('/').unwrap().0);
        Self {
            _server: Some(server),
            ..Self::at(&url).await
        }
    }

    /// A database of a server that the test has for itself.
    pub(super) async fn at(url: &str) -> Self {
        Self {
            _server: None,
            url: url.to_owned(),
            database: Database::parse(url).unwrap(),
            client: connect(url).await,
        }
    }

    pub(super) async fn connect(&self) -> Client {
        connect(&self.url).await
    }

    /// What a query gives: rows joined by `;`, columns by `,`.
    pub(super) async fn ask(&self, sql: &str) -> String {
        ask(&self.client, sql).await
    }

    pub(super) async fn publish(&self, run: &Run) -> Result<Outcome> {
        publish_rows(&self.database, &run.run, run.batches(), &Silent).await
    }

    /// Publishes to a server that may not be there.
    pub(super) async fn publish_to(url: &str, run: &Run) -> Result<Outcome> {
        let database = Database::parse(url)?;
        publish_rows(&database, &run.run, run.batches(), &Silent).await
    }

    /// Checks that readers see this run whole, and that nothing lies about of any attempt.
    pub(super) async fn expect_whole(&self, number: u32, customers: usize) {
        assert_eq!(self.visible().await, format!("{},{customers}", id(number)));
        let profiled = "SELECT sum(customers), count(DISTINCT run_id) FROM insiders.segments";
        assert_eq!(self.ask(profiled).await, format!("{customers},1"));
        let loads = "SELECT string_agg(relname, ' ') FROM pg_class WHERE relname LIKE '%\\_new%'";
        assert_eq!(self.ask(loads).await, "null");
        // Each partition is a run's, each run has its rows, and the log has no gap.
        let strays = "SELECT string_agg(c.relname, ' ') FROM pg_class c \
            WHERE c.relkind = 'r' AND c.relname ~ '^segment_members_[0-9a-f]' AND NOT EXISTS \
            (SELECT FROM insiders.runs r WHERE c.relname = 'segment_members_' || r.run_id)";
        assert_eq!(self.ask(strays).await, "null");
        let torn = "SELECT string_agg(r.run_id, ' ') FROM insiders.runs r WHERE r.customers <> \
            (SELECT count(*) FROM insiders.segment_members m WHERE m.run_id = r.run_id)";
        assert_eq!(self.ask(torn).await, "null");
        self.expect_sums().await;
    }

    /// `run_id,customers` as readers see them.
    pub(super) async fn visible(&self) -> String {
        self.ask("SELECT min(run_id), count(*) FROM insiders.insiders")
            .await
    }
}

pub(super) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(super) async fn ask(client: &Client, sql: &str) -> String {
    let mut rows = Vec::new();
    for message in client.simple_query(sql).await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message {
            let columns: Vec<&str> = (0..row.len())
                .map(|column| row.get(column).unwrap_or("null"))
                .collect();
            rows.push(columns.join(","));
        }
    }
    rows.join(";")
}

/// A run and its rows.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) run: PublishRun,
    pub(super) rows: SegmentRows,
}

/// Segments of every run here.
const SEGMENTS: i32 = 3;

/// Their names.
pub(super) fn names() -> Vec<String> {
    ["Insiders", "Segment 1", "Segment 2"]
        .map(str::to_owned)
        .to_vec()
}

impl Run {
    /// Run `number`, of day `number` of 2011, with `customers` customers.
    pub(super) fn new(number: u32, customers: usize) -> Self {
        let ids = (0..customers)
            .map(|customer| format!("c{customer}"))
            .collect();
        Self::of(number, ids)
    }

    /// Run `number` with these customers.
    pub(super) fn of(number: u32, customer_id: Vec<String>) -> Self {
        let n = customer_id.len();
        let label: Vec<i32> = (0..n as i32).map(|row| row % SEGMENTS).collect();
        let names = names();
        let real = |scale: f64| {
            (0..n)
                .map(|row| (row as f64 + f64::from(number)) * scale)
                .collect()
        };
        let rows = SegmentRows {
            features: Features {
                customer_id,
                is_guest: (0..n).map(|row| row % 4 == 0).collect(),
                gross_revenue: real(1.25),
                recency_days: (0..n as i64).collect(),
                quantity_of_products: (0..n as i64).map(|row| row * 7).collect(),
                returns: (0..n as i64).map(|row| row % 2).collect(),
                frequency: real(0.001),
                value: value(n),
            },
            embedding_x: real(-0.5),
            embedding_y: real(0.1),
            segment: label
                .iter()
                .map(|&label| names[label as usize].clone())
                .collect(),
            next_step: steps(&label),
            label,
        };
        let labels: Vec<u32> = rows
            .label
            .iter()
            .map(|label| label.cast_unsigned())
            .collect();
        let day = jiff::civil::date(2011, 1, 1).at(12, 0, 0, 0);
        let day = day.checked_add(jiff::Span::new().days(number)).unwrap();
        let run = PublishRun {
            run_id: run_id(number),
            as_of: day.to_string().parse().unwrap(),
            source: "s3://shop/uploads/sales.csv".to_owned(),
            model_version: "m1".to_owned(),
            customers: n as u64,
            segments_sha256: format!("{number:064x}"),
            segments_key: format!("runs/{}/segments.parquet", id(number)),
            segments_bytes: 1,
            manifest: serde_json::json!({ "run_id": id(number) }),
            profile: Profile::of(&rows.features, &labels, &Segment::first(names)),
            force: false,
            fill_history: false,
            keep_runs: 30,
        };
        Self { run, rows }
    }

    /// With the profile of its rows as they are now.
    pub(super) fn profiled(mut self) -> Self {
        let labels = self.rows.label.iter().map(|label| label.cast_unsigned());
        let labels: Vec<u32> = labels.collect();
        let segments = Segment::first(names());
        self.run.profile = Profile::of(&self.rows.features, &labels, &segments);
        self.run.customers = labels.len() as u64;
        self
    }

    pub(super) fn forced(mut self) -> Self {
        self.run.force = true;
        self
    }

    pub(super) fn filling_history(mut self) -> Self {
        self.run.fill_history = true;
        self
    }

    pub(super) fn keeping(mut self, keep_runs: usize) -> Self {
        self.run.keep_runs = keep_runs;
        self
    }

    pub(super) fn batches(&self) -> impl Stream<Item = Result<RecordBatch>> + use<> {
        stream::iter(segments_batches(&self.rows).collect::<Vec<_>>())
    }
}

/// For customers outside of the first segment, in turn: a step, and none.
fn steps(label: &[i32]) -> Vec<NextStep> {
    let step = |(row, &label): (usize, &i32)| match (label, row % 2) {
        (0, 0) => NextStep {
            keep: Some("buy again within 9 days".to_owned()),
            ..NextStep::default()
        },
        (0, _) | (_, 0) => NextStep::default(),
        _ => NextStep {
            text: Some(format!("buy {row} more pieces (about {row})")),
            purchase: Some(Purchase {
                pieces: row as i64,
                spend: row as f64,
            }),
            keep: None,
        },
    };
    label.iter().enumerate().map(step).collect()
}

/// Values of `n` customers; of every third one nothing is expected.
fn value(n: usize) -> Value {
    let real = |scale: f64| {
        let cells = (0..n).map(|row| (row % 3 > 0).then_some(row as f64 * scale));
        cells.collect()
    };
    let score = |shift: usize| (0..n).map(|row| ((row + shift) % 5) as i32 + 1).collect();
    Value {
        purchases: (1..=n as i64).collect(),
        rfm_recency: score(0),
        rfm_frequency: score(1),
        rfm_monetary: score(2),
        rfm_group: (0..n).map(|row| Group::ALL[row % 11]).collect(),
        p_alive: real(1.0 / n as f64),
        expected_purchases: real(0.01),
        clv: real(2.5),
    }
}

/// Id of run `number`.
pub(super) fn id(number: u32) -> String {
    format!("{number:08x}{:012}", 0)
}

/// The same, checked.
pub(super) fn run_id(number: u32) -> RunId {
    RunId::parse(&id(number)).unwrap()
}

/// A stream that nobody may poll.
pub(super) fn untouched() -> impl Stream<Item = Result<RecordBatch>> {
    stream::poll_fn(|_| panic!("the rows were asked for"))
}
