//! The warm process, and how it is reached and harmed.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use insiders::local::LocalS3;
use publish_to_rds::Database;
use serde::{Deserialize, Serialize};
use shared::contracts::{Request, RunState};
use shared::progress::Silent;
use shared::store::{Endpoint, Store};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;

use super::job::{Job, Kind};
use crate::MEMORY;
use crate::publish::relay::{Harm, address_of, serve};

const WHERE: &str = "INSIDERS_TEST_WARM";
/// Before an answer, on a line of its own.
const MARK: &str = "reply ";
/// Attempts of a stage, as in the state machine.
const ATTEMPTS: usize = 7;

/// What came of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Reply {
    pub(super) run_id: String,
    /// Its artifacts' digests, but for the page, which tells the time.
    pub(super) artifacts: BTreeMap<String, String>,
    pub(super) already: bool,
    /// Whether readers see it now, and did not before.
    pub(super) changed: bool,
    pub(super) error: Option<String>,
    pub(super) said: String,
    /// Stages that were tried again.
    pub(super) retries: usize,
    /// Bytes that are allocated after it.
    pub(super) allocated: usize,
}

impl Reply {
    pub(super) fn is_done(&self) -> bool {
        !self.artifacts.is_empty() && !self.already
    }

    /// In a word.
    pub(super) fn outcome(&self) -> String {
        match &self.error {
            Some(name) => name.clone(),
            None if self.already => "was there already".to_owned(),
            None if self.retries > 0 => "published after retries".to_owned(),
            None => "published".to_owned(),
        }
    }
}

/// Where the process finds its services.
#[derive(Serialize, Deserialize)]
struct Services {
    url: String,
    region: String,
    keys: [String; 2],
    bucket: String,
    database: Option<String>,
}

/// A process with the three handlers.
pub(super) struct Process {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts one that reaches S3 at `url` and publishes to `database`.
    pub(super) fn start(s3: &LocalS3, url: &str, database: Option<&str>) -> Self {
        let services = Services {
            url: url.to_owned(),
            region: s3.region().to_owned(),
            keys: [s3.access_key(), s3.secret_key()].map(str::to_owned),
            bucket: s3.bucket().to_owned(),
            database: database.map(str::to_owned),
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["longrun::warm::process", "--exact", "--ignored"])
            .args(["--nocapture", "--test-threads=1"])
            .env(WHERE, serde_json::to_string(&services).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let from = BufReader::new(from).lines();
        Self { child, to, from }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Has it do one run.
    pub(super) async fn run(&mut self, request: &Request) -> Reply {
        let mut line = serde_json::to_vec(request).unwrap();
        line.push(b'\n');
        self.to.write_all(&line).await.unwrap();
        loop {
            let line = self.from.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("the process ended: {request:?}"));
            if let Some(reply) = line.strip_prefix(MARK) {
                return serde_json::from_str(reply).unwrap();
            }
        }
    }

    pub(super) async fn stop(mut self) {
        drop(self.to);
        while self.from.next_line().await.unwrap().is_some() {}
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// The process itself: a request a line, an answer a line.
#[test]
#[ignore = "a part of a_warm_process_stays_as_it_is_and_computes_as_a_fresh_one"]
fn process() {
    let Ok(services) = std::env::var(WHERE) else {
        return;
    };
    let services: Services = serde_json::from_str(&services).unwrap();
    // Ends the line on which the harness names the test.
    println!();
    // As `#[tokio::main]` of the functions has it.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let handlers = runtime.block_on(async { Handlers::new(&services) });
    for line in std::io::stdin().lines() {
        let request: Request = serde_json::from_str(&line.unwrap()).unwrap();
        let mut reply = runtime.block_on(handlers.run(request));
        reply.allocated = MEMORY.allocated();
        println!("{MARK}{}", serde_json::to_string(&reply).unwrap());
    }
}

/// The contexts, built once.
struct Handlers {
    preprocess: preprocess_to_parquet::Context,
    embed: embed_and_cluster::Context,
    publish: Option<publish_to_rds::Context>,
}

/// Tries a stage again as the state machine does, in less time.
macro_rules! retried {
    ($reply:expr, $stage:expr) => {{
        let mut attempts = 1;
        loop {
            match $stage.await {
                Err(error) if error.is_retryable() && attempts < ATTEMPTS => {
                    attempts += 1;
                    $reply.retries += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => {
                    $reply.error = Some(error.name().to_owned());
                    $reply.said = error.to_string();
                    return $reply;
                }
                Ok(done) => break done,
            }
        }
    }};
}

impl Handlers {
    fn new(services: &Services) -> Self {
        let [access_key, secret_key] = services.keys.clone();
        let endpoint = Endpoint {
            url: services.url.clone(),
            region: services.region.clone(),
            access_key,
            secret_key,
            patience: shared::store::Patience::default(),
        };
        let store = Store::at(&endpoint, &services.bucket);
        let progress = Arc::new(Silent);
        Self {
            preprocess: preprocess_to_parquet::Context {
                store: store.clone(),
                settings: None,
                progress: progress.clone(),
                spark: None,
            },
            embed: embed_and_cluster::Context {
                store: store.clone(),
                progress: progress.clone(),
                memory: None,
            },
            publish: services
                .database
                .as_ref()
                .map(|url| publish_to_rds::Context {
                    store,
                    database: Database::parse(url).unwrap(),
                    progress,
                }),
        }
    }

    async fn run(&self, request: Request) -> Reply {
        let mut reply = Reply::default();
        let state: RunState = retried!(
            reply,
            preprocess_to_parquet::handle(&self.preprocess, request.clone())
        );
        reply.run_id.clone_from(&state.run.run_id);
        let state: RunState =
            retried!(reply, embed_and_cluster::handle(&self.embed, state.clone()));
        reply.already = state.already_complete;
        for (name, artifact) in &state.artifacts {
            if name != "report.html" {
                reply
                    .artifacts
                    .insert(name.clone(), artifact.sha256.clone());
            }
        }
        if let Some(publish) = &self.publish {
            let published = retried!(reply, publish_to_rds::handle(publish, state.clone()));
            reply.changed = published.changed;
        }
        reply
    }
}

/// A door in front of a service, whose connections can be harmed.
pub(super) struct Gate {
    pub(super) url: String,
    /// What is done to the next connection.
    next: Arc<Mutex<Harm>>,
    open: Arc<Mutex<JoinSet<()>>>,
}

/// Those of both services.
pub(super) struct Gates {
    pub(super) s3: Gate,
    pub(super) postgres: Gate,
}

impl Gate {
    pub(super) async fn pair(s3: &LocalS3, postgres: &str) -> Gates {
        let s3_address = s3.endpoint().trim_start_matches("http://").to_owned();
        let mut front = Self::start(s3_address, false).await;
        front.url = format!("http://{}", front.url);
        let mut back = Self::start(address_of(postgres).to_owned(), true).await;
        back.url = postgres.replace(address_of(postgres), &back.url);
        Gates {
            s3: front,
            postgres: back,
        }
    }

    async fn start(upstream: String, is_postgres: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let next = Arc::new(Mutex::new(Harm::None));
        let open = Arc::new(Mutex::new(JoinSet::new()));
        let gate = Self {
            url,
            next: Arc::clone(&next),
            open: Arc::clone(&open),
        };
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(&upstream).await.unwrap();
                let harm = std::mem::replace(&mut *next.lock().unwrap(), Harm::None);
                let mut open = open.lock().unwrap();
                while open.try_join_next().is_some() {}
                open.spawn(async move {
                    if is_postgres {
                        serve(client, server, harm).await;
                    } else {
                        client.set_nodelay(true).unwrap();
                        server.set_nodelay(true).unwrap();
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        gate
    }
}

impl Gates {
    /// Prepares the harm that a job is to suffer.
    pub(super) fn harm(&self, job: &Job) {
        match job.kind {
            Kind::PostgresCut => {
                *self.postgres.next.lock().unwrap() = Harm::Answer(job.cut());
            }
            Kind::S3Cut => {
                let open = Arc::clone(&self.s3.open);
                let after = Duration::from_millis(u64::from(job.cut()));
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    open.lock().unwrap().abort_all();
                });
            }
            _ => {}
        }
    }
}
