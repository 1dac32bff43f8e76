//! A Postgres server of our own, for those who have none running: started from installed
//! binaries, its data under the user's folder, stopped at the end.

mod cluster;
mod find;
mod install;
mod server;
#[cfg(test)]
mod tests;
mod user;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio_postgres::{Config, NoTls};

use super::{LocalError, dir};
use server::Server;

/// The database that people connect to.
const DATABASE: &str = "insiders";
/// How long a start may take, crash recovery included.
const START: Duration = Duration::from_secs(30);
/// Between two looks at a starting server.
const POLL: Duration = Duration::from_millis(15);
/// How many ports to try: each was free a moment ago.
const PORTS: usize = 5;

/// What to do when there is no Postgres on this machine.
#[derive(Clone, Copy)]
pub enum Install<'a> {
    /// As root on a machine with `apt-get`, install it, and say so through the callback.
    IfAllowed(&'a (dyn Fn(&str) + Send + Sync)),
    /// Say how to get one.
    Never,
}

impl std::fmt::Debug for Install<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::IfAllowed(_) => "IfAllowed",
            Self::Never => "Never",
        })
    }
}

/// A running server with the database `insiders`, on the loopback alone.
///
/// [`LocalPostgres::stop`] ends it; so does dropping the value, which waits for it. On Linux
/// the kernel ends it even if this process is killed.
#[derive(Debug)]
pub struct LocalPostgres {
    url: Url,
    server: Server,
    /// Held for as long as the server runs.
    _lock: File,
}

/// A connection string, which does not print: the password is in it.
struct Url(String);

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[url with a password]")
    }
}

impl LocalPostgres {
    /// Starts a server on the data in `DIR/postgres`, made if they are not there, on a free
    /// port, and waits until it answers.
    ///
    /// # Errors
    /// No binaries, data that are not ours or of another version, a server that does not
    /// start, another process at work in `dir`: see [`LocalError`].
    pub async fn start(dir: &Path, install: Install<'_>) -> Result<Self, LocalError> {
        dir::create(dir)?;
        let dir = &dir
            .canonicalize()
            .map_err(LocalError::io(dir, "find the folder"))?;
        let lock = dir::lock(&dir.join(".postgres.lock"), dir)?;
        let binaries = match find::binaries() {
            found if !found.is_empty() => found,
            _ => install::install(install)?,
        };
        let cluster = {
            let dir = dir.clone();
            tokio::task::spawn_blocking(move || cluster::open(&dir, &binaries))
                .await
                .map_err(|e| LocalError::PostgresInit {
                    reason: e.to_string(),
                })??
        };
        let log = dir.join("postgres.log");
        let (server, port) = launch(&cluster, &log).await?;
        create_database(&cluster, port).await?;
        tracing::debug!(port, data = %cluster.data.display(), "postgres is listening");
        Ok(Self {
            // Names and passwords are letters and digits of our own, or a user's name.
            url: Url(format!(
                "postgres://{}:{}@127.0.0.1:{port}/{DATABASE}",
                percent_encoded(&cluster.account.name),
                cluster.password
            )),
            server,
            _lock: lock,
        })
    }

    /// `postgres://USER:PASSWORD@127.0.0.1:PORT/insiders`; not to be logged.
    pub fn url(&self) -> &str {
        &self.url.0
    }

    /// Ends the server: connections are closed, the data are written, at most ten seconds.
    ///
    /// # Errors
    /// [`LocalError::PostgresQuery`] if it is still there after that.
    pub async fn stop(self) -> Result<(), LocalError> {
        let mut server = self.server;
        tokio::task::spawn_blocking(move || server.stop())
            .await
            .map_err(|e| LocalError::PostgresQuery {
                doing: "stop the server",
                reason: e.to_string(),
            })?
    }
}

/// Starts the server on a port that nobody took meanwhile.
async fn launch(cluster: &cluster::Cluster, log: &Path) -> Result<(Server, u16), LocalError> {
    let deadline = Instant::now() + START;
    let mut ports_taken = 0;
    loop {
        cluster.remove_stale_pid();
        let port = free_port()?;
        let mut server = Server::spawn(cluster, port, log)?;
        let Err(reason) = ready(&mut server, cluster, port, deadline).await else {
            return Ok((server, port));
        };
        if server.is_running() {
            return Err(LocalError::PostgresSlow {
                seconds: START.as_secs(),
                reason,
                log: log.into(),
            });
        }
        let words = server.words();
        if words.contains("could not bind") && ports_taken < PORTS {
            ports_taken += 1;
        } else if is_passing(&words) && Instant::now() + Duration::from_secs(15) < deadline {
            // A predecessor is on its way out.
            tokio::time::sleep(Duration::from_millis(100)).await;
        } else {
            return Err(LocalError::PostgresEnded {
                reason: last_lines(&words, 3),
                log: log.into(),
            });
        }
    }
}

/// What a server says whose predecessor was killed and is not quite gone.
fn is_passing(words: &str) -> bool {
    words.contains("postmaster.pid\" already exists")
        || words.contains("pre-existing shared memory block")
}

/// Waits until the server answers; the last error if it ends or time is up.
async fn ready(
    server: &mut Server,
    cluster: &cluster::Cluster,
    port: u16,
    deadline: Instant,
) -> Result<(), String> {
    let config = connection(cluster, port, "postgres");
    loop {
        let error = match config.connect(NoTls).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if !server.is_running() || Instant::now() > deadline {
            return Err(describe(&error));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Creates the database `insiders` if it is not there.
async fn create_database(cluster: &cluster::Cluster, port: u16) -> Result<(), LocalError> {
    let refused = |e: tokio_postgres::Error| LocalError::PostgresQuery {
        doing: "create the database insiders",
        reason: describe(&e),
    };
    let (client, connection) = connection(cluster, port, "postgres")
        .connect(NoTls)
        .await
        .map_err(refused)?;
    let connection = tokio::spawn(connection);
    let exists = client
        .query_opt("select 1 from pg_database where datname = $1", &[&DATABASE])
        .await
        .map_err(refused)?;
    if exists.is_none() {
        client
            .batch_execute(&format!("create database {DATABASE}"))
            .await
            .map_err(refused)?;
    }
    drop(client);
    // Its end is the closing of the connection; an error here changes nothing.
    let _ = connection.await;
    Ok(())
}

fn connection(cluster: &cluster::Cluster, port: u16, database: &str) -> Config {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(&cluster.account.name)
        .password(&cluster.password)
        .dbname(database)
        .application_name("insiders")
        .connect_timeout(Duration::from_secs(2));
    config
}

/// The server's own words, where there are any.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

fn free_port() -> Result<u16, LocalError> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(LocalError::Listen)
}

/// A user's name as a part of a URL.
fn percent_encoded(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // a String takes everything
        }
    }
    out
}

/// The last lines of a program's output, as one line: those of its log that complain, if
/// there are any, without their time stamps.
fn last_lines(text: &str, count: usize) -> String {
    const COMPLAINTS: [&str; 5] = ["PANIC:", "FATAL:", "ERROR:", "DETAIL:", "HINT:"];
    let complaint = |line| {
        let starts = COMPLAINTS.iter().filter_map(|word| str::find(line, word));
        starts.min().and_then(|start| line.get(start..))
    };
    let all = || text.lines().map(str::trim).filter(|l| !l.is_empty());
    let mut lines: Vec<&str> = all().filter_map(complaint).collect();
    if lines.is_empty() {
        lines = all().collect();
    }
    match lines.get(lines.len().saturating_sub(count)..) {
        Some(last) if !last.is_empty() => last.join(" | "),
        _ => "it printed nothing".to_owned(),
    }
}

/// A folder of server programs, and their major version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binaries {
    folder: PathBuf,
    major: u32,
}
