//! Advisory locks.

use shared::Result;

use crate::session::Session;

impl Session {
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
}
