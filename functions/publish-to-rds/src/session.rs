//! One connection to the database. Every failure leaves as the product's error.

use std::future::Future;
use std::time::Duration;

use shared::{Error, Result};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use crate::database::{Database, Encryption, Limits};
use crate::{failure, tls};

/// Parameters of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The oldest server that has what is used here, as `server_version_num`.
const OLDEST_SERVER: i32 = 130_000;

/// A connection that knows where it leads.
pub(crate) struct Session {
    client: Client,
    driver: JoinHandle<()>,
    place: String,
    version: i32,
    pub(crate) limits: Limits,
}

impl Session {
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        let place = database.to_string();
        let mut config = database.connection().await?;
        let failed = |e: tokio_postgres::Error| failure::of(&place, "connecting", &e);
        let (client, driver) = match database.encryption() {
            Encryption::None => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
                (client, tokio::spawn(drive(connection)))
            }
            Encryption::Verified => {
                let tls = tls::connector(database.ca_file.as_deref())?;
                let (client, connection) = config.connect(tls).await.map_err(failed)?;
                (client, tokio::spawn(drive(connection)))
            }
        };
        let limits = database.limits.clone();
        let mut session = Self {
            client,
            driver,
            place,
            version: 0,
            limits,
        };
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

    /// The product's error for a failed operation on this database.
    pub(crate) fn failed(&self, operation: &str, error: &tokio_postgres::Error) -> Error {
        failure::of(&self.place, operation, error)
    }

    /// Statements without parameters or results.
    pub(crate) async fn batch(&self, operation: &str, sql: &str) -> Result<()> {
        self.client
            .batch_execute(sql)
            .await
            .map_err(|e| self.failed(operation, &e))
    }

    /// One statement; the number of rows that it changed.
    pub(crate) async fn execute(&self, op: &str, sql: &str, params: Params<'_>) -> Result<u64> {
        self.client
            .execute(sql, params)
            .await
            .map_err(|e| self.failed(op, &e))
    }

    /// Rows of a query.
    pub(crate) async fn rows(&self, op: &str, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        self.client
            .query(sql, params)
            .await
            .map_err(|e| self.failed(op, &e))
    }

    /// At most one row.
    pub(crate) async fn optional(
        &self,
        op: &str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Option<Row>> {
        self.client
            .query_opt(sql, params)
            .await
            .map_err(|e| self.failed(op, &e))
    }

    /// Exactly one row.
    pub(crate) async fn one(&self, op: &str, sql: &str, params: Params<'_>) -> Result<Row> {
        self.client
            .query_one(sql, params)
            .await
            .map_err(|e| self.failed(op, &e))
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
        match work.await {
            Ok(value) => {
                self.batch(operation, "COMMIT").await?;
                Ok(value)
            }
            Err(error) => {
                // Where even this fails, the server rolls back when the connection ends.
                let _ = self.client.batch_execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    /// Takes an advisory lock until the session ends.
    pub(crate) async fn lock(&self, operation: &str, lock: (i32, i32)) -> Result<()> {
        let sql = "SELECT pg_advisory_lock($1, $2)";
        self.one(operation, sql, &[&lock.0, &lock.1])
            .await
            .map(drop)
    }

    /// Takes an advisory lock until the transaction ends.
    pub(crate) async fn lock_in_transaction(&self, op: &str, lock: (i32, i32)) -> Result<()> {
        let sql = "SELECT pg_advisory_xact_lock($1, $2)";
        self.one(op, sql, &[&lock.0, &lock.1]).await.map(drop)
    }

    /// Takes an advisory lock until the end of the transaction, if nobody has it.
    pub(crate) async fn try_lock_in_transaction(&self, op: &str, lock: (i32, i32)) -> Result<bool> {
        let sql = "SELECT pg_try_advisory_xact_lock($1, $2)";
        self.get(&self.one(op, sql, &[&lock.0, &lock.1]).await?, 0)
    }

    /// Takes an advisory lock if nobody has it.
    pub(crate) async fn try_lock(&self, operation: &str, lock: (i32, i32)) -> Result<bool> {
        let sql = "SELECT pg_try_advisory_lock($1, $2)";
        self.get(&self.one(operation, sql, &[&lock.0, &lock.1]).await?, 0)
    }

    /// Gives an advisory lock of the session back.
    pub(crate) async fn unlock(&self, operation: &str, lock: (i32, i32)) -> Result<()> {
        let sql = "SELECT pg_advisory_unlock($1, $2)";
        self.one(operation, sql, &[&lock.0, &lock.1])
            .await
            .map(drop)
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
        let _ = tokio::time::timeout(limits.connect, driver).await;
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
