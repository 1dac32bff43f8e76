//! One connection to the database. Every failure leaves as the product's error.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use shared::{Error, Result};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use crate::database::{Database, Encryption};
use crate::limits::Limits;
use crate::{failure, tls};

/// Parameters of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The oldest server that has what is used here, as `server_version_num`.
const OLDEST_SERVER: i32 = 130_000;

/// A connection that knows where it leads, and that waits for no answer without end.
pub(crate) struct Session {
    client: Client,
    driver: JoinHandle<()>,
    place: String,
    version: i32,
    began: Instant,
    /// What the server allows a statement now, in milliseconds.
    allowed: AtomicU64,
    pub(crate) limits: Limits,
}

impl Session {
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        Self::open_since(database, Instant::now()).await
    }

    /// One more, for the same work: its time began when this one's did.
    pub(crate) fn another<'a>(&self, database: &'a Database) -> BoxFuture<'a, Result<Self>> {
        Self::open_since(database, self.began).boxed()
    }

    async fn open_since(database: &Database, began: Instant) -> Result<Self> {
        let place = database.to_string();
        let mut config = database.connection().await?;
        let limits = database.limits.clone();
        // The client's own limit ends with the TCP connection: a server may take that and
        // never say a word.
        let servers = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX);
        let connect = config.get_connect_timeout().copied();
        let patience = connect
            .unwrap_or(limits.connect)
            .saturating_mul(servers.max(1))
            .saturating_add(limits.grace);
        let failed = |e: tokio_postgres::Error| failure::of(&place, "connecting", &e);
        let silent = |_| failure::silence(&place, "connecting", patience);
        let (client, driver) = match database.encryption() {
            Encryption::None => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                let connecting = tokio::time::timeout(patience, config.connect(NoTls));
                let (client, connection) = connecting.await.map_err(silent)?.map_err(failed)?;
                (client, tokio::spawn(drive(connection)))
            }
            Encryption::Verified => {
                let tls = tls::connector(database.ca_file.as_deref())?;
                let connecting = tokio::time::timeout(patience, config.connect(tls));
                let (client, connection) = connecting.await.map_err(silent)?.map_err(failed)?;
                (client, tokio::spawn(drive(connection)))
            }
        };
        let mut session = Self {
            client,
            driver,
            place,
            version: 0,
            began,
            allowed: AtomicU64::new(0),
            limits,
        };
        session.allow(session.limits.statement);
        session.prepare().await?;
        Ok(session)
    }

    /// Settings of the session. A client that is gone (a machine that died, a function that
    /// was frozen) must not hold a lock for long: hence the keepalives and the idle timeout.
    async fn prepare(&mut self) -> Result<()> {
        let settings = format!(
            "SET search_path = ''; SET statement_timeout = {}; SET lock_timeout = {}; \
             SET idle_in_transaction_session_timeout = '60s'; SET tcp_keepalives_idle = 30; \
             SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; \
             SET client_min_messages = warning",
            millis(self.limits.statement),
            millis(self.limits.lock),
        );
        self.batch("preparing the session", &settings).await?;
        let sql = "SELECT current_setting('server_version_num')::int";
        self.version = self.get(&self.one("asking for the version", sql, &[]).await?, 0)?;
        if self.version < OLDEST_SERVER {
            return Err(Error::Refused {
                service: "Postgres",
                operation: format!("publishing to {}", self.place),
                reason: format!("server version {} is older than 13", self.version / 10_000),
            });
        }
        Ok(())
    }

    /// Major version of the server.
    pub(crate) fn major(&self) -> i32 {
        self.version / 10_000
    }

    /// `host:port/database as user`.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Refuses to go on where the connection has ended.
    pub(crate) fn expect_open(&self, operation: &str) -> Result<()> {
        if !self.client.is_closed() {
            return Ok(());
        }
        Err(Error::Unavailable {
            service: "Postgres",
            operation: format!("{operation} on {}", self.place),
            reason: "the connection was lost".to_owned(),
        })
    }

    /// The product's error for a failed operation on this database.
    pub(crate) fn failed(&self, operation: &str, error: &tokio_postgres::Error) -> Error {
        failure::of(&self.place, operation, error)
    }

    /// Waits for the answer to a statement, a little longer than the server may take over
    /// it: a slow statement is ended by the server, in its own words.
    pub(crate) async fn answer<T>(
        &self,
        operation: &str,
        answer: impl Future<Output = T>,
    ) -> Result<T> {
        let allowed = Duration::from_millis(self.allowed.load(Ordering::Relaxed));
        self.answer_within(allowed, operation, answer).await
    }

    /// Waits for an answer that takes `allowed` at most. Where none comes, the server stands
    /// still or the network lost it without a word: the connection is given up, and whatever
    /// is asked of it later fails at once.
    pub(crate) async fn answer_within<T>(
        &self,
        allowed: Duration,
        operation: &str,
        answer: impl Future<Output = T>,
    ) -> Result<T> {
        let left = self.limits.session.saturating_sub(self.began.elapsed());
        let patience = allowed.saturating_add(self.limits.grace).min(left);
        let waited = tokio::time::timeout(patience, answer).await;
        waited.map_err(|_| {
            self.driver.abort();
            failure::silence(&self.place, operation, patience)
        })
    }

    /// From here to the end of the transaction that is open, a statement may take as long as
    /// a load.
    pub(crate) async fn allow_load_in_transaction(&self, operation: &str) -> Result<()> {
        self.allow_load("SET LOCAL", operation).await
    }

    /// From here on, a statement may take as long as a load.
    pub(crate) async fn allow_load_from_now(&self, operation: &str) -> Result<()> {
        self.allow_load("SET", operation).await
    }

    async fn allow_load(&self, set: &str, operation: &str) -> Result<()> {
        let load = self.limits.load;
        let sql = format!("{set} statement_timeout = {}", millis(load));
        self.batch(operation, &sql).await?;
        self.allow(load);
        Ok(())
    }

    fn allow(&self, limit: Duration) {
        let millis = u64::try_from(millis(limit)).unwrap_or(u64::MAX);
        self.allowed.store(millis, Ordering::Relaxed);
    }

    /// Statements without parameters or results.
    pub(crate) async fn batch(&self, operation: &str, sql: &str) -> Result<()> {
        let answer = self.answer(operation, self.client.batch_execute(sql));
        answer.await?.map_err(|e| self.failed(operation, &e))
    }

    /// One statement; the number of rows that it changed.
    pub(crate) async fn execute(&self, op: &str, sql: &str, params: Params<'_>) -> Result<u64> {
        let answer = self.answer(op, self.client.execute(sql, params));
        answer.await?.map_err(|e| self.failed(op, &e))
    }

    /// Rows of a query.
    pub(crate) async fn rows(&self, op: &str, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let answer = self.answer(op, self.client.query(sql, params));
        answer.await?.map_err(|e| self.failed(op, &e))
    }

    /// At most one row.
    pub(crate) async fn optional(
        &self,
        op: &str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Option<Row>> {
        let answer = self.answer(op, self.client.query_opt(sql, params));
        answer.await?.map_err(|e| self.failed(op, &e))
    }

    /// Exactly one row.
    pub(crate) async fn one(&self, op: &str, sql: &str, params: Params<'_>) -> Result<Row> {
        let answer = self.answer(op, self.client.query_one(sql, params));
        answer.await?.map_err(|e| self.failed(op, &e))
    }

    /// A column of a row.
    pub(crate) fn get<'a, T>(&self, row: &'a Row, column: usize) -> Result<T>
    where
        T: tokio_postgres::types::FromSql<'a>,
    {
        row.try_get(column)
            .map_err(|e| self.failed("reading an answer", &e))
    }

    /// Runs `work` in a transaction: all of it or nothing.
    pub(crate) async fn transaction<T>(
        &self,
        operation: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.batch(operation, "BEGIN").await?;
        let allowed = self.allowed.load(Ordering::Relaxed);
        let result = match work.await {
            Ok(value) => self.batch(operation, "COMMIT").await.map(|()| value),
            Err(error) => {
                // Where even this fails, the server rolls back when the connection ends. It
                // is no load, whatever it takes back.
                let end = self.client.batch_execute("ROLLBACK");
                let limit = self.limits.statement;
                let _ = self.answer_within(limit, operation, end).await;
                Err(error)
            }
        };
        self.allowed.store(allowed, Ordering::Relaxed);
        result
    }

    /// Ends the session, and with it its locks, before returning.
    pub(crate) async fn close(self) {
        let Self {
            client,
            driver,
            limits,
            ..
        } = self;
        drop(client);
        let abort = driver.abort_handle();
        if tokio::time::timeout(limits.connect, driver).await.is_err() {
            // It can't even take its leave: nothing of it stays in this process.
            abort.abort();
        }
    }
}

/// Milliseconds as Postgres' settings count them; 0 would mean "for ever".
pub(crate) fn millis(duration: Duration) -> u128 {
    duration.as_millis().clamp(1, i32::MAX as u128)
}

/// Moves the connection's bytes until it ends. Whoever waits for an answer learns of the end
/// by an error of its own.
async fn drive<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Err(error) = connection.await {
        tracing::debug!(error = %error, "the connection to Postgres ended");
    }
}
