//! The schema: numbered SQL files, applied once each, in order, never edited.

use std::time::{Duration, Instant};

use shared::{Error, Result};

use crate::names::MIGRATE_LOCK;
use crate::session::{Session, millis};

/// One file of `infra/migrations`.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// File name without `.sql`; its number is its place in the list.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// Every migration, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_runs_and_members",
        sql: include_str!("../../../infra/migrations/0001_runs_and_members.sql"),
    },
    Migration {
        name: "0002_views",
        sql: include_str!("../../../infra/migrations/0002_views.sql"),
    },
    Migration {
        name: "0003_moves",
        sql: include_str!("../../../infra/migrations/0003_moves.sql"),
    },
    Migration {
        name: "0004_rollback",
        sql: include_str!("../../../infra/migrations/0004_rollback.sql"),
    },
    Migration {
        name: "0005_erasure",
        sql: include_str!("../../../infra/migrations/0005_erasure.sql"),
    },
    Migration {
        name: "0006_reader",
        sql: include_str!("../../../infra/migrations/0006_reader.sql"),
    },
    Migration {
        name: "0007_numbers",
        sql: include_str!("../../../infra/migrations/0007_numbers.sql"),
    },
    Migration {
        name: "0008_value",
        sql: include_str!("../../../infra/migrations/0008_value.sql"),
    },
    Migration {
        name: "0009_rules",
        sql: include_str!("../../../infra/migrations/0009_rules.sql"),
    },
    Migration {
        name: "0010_bi",
        sql: include_str!("../../../infra/migrations/0010_bi.sql"),
    },
    Migration {
        name: "0011_history",
        sql: include_str!("../../../infra/migrations/0011_history.sql"),
    },
    Migration {
        name: "0012_shards",
        sql: include_str!("../../../infra/migrations/0012_shards.sql"),
    },
];

const OPERATION: &str = "applying migrations";
/// How long one attempt waits for a table that somebody reads: new readers of it wait behind.
const LOCK: Duration = Duration::from_millis(500);
/// How long readers have it to themselves between two attempts.
const PAUSE: Duration = Duration::from_millis(1_500);

const BOOTSTRAP: &str = "\
CREATE TABLE IF NOT EXISTS insiders.schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE insiders.schema_migrations IS 'The migrations of this schema that were applied.';
COMMENT ON COLUMN insiders.schema_migrations.version IS 'Number of the migration.';
COMMENT ON COLUMN insiders.schema_migrations.name IS 'Its name.';
COMMENT ON COLUMN insiders.schema_migrations.sha256 IS 'SHA-256 of its text when it was applied.';
COMMENT ON COLUMN insiders.schema_migrations.applied_at IS 'When.'";

/// Brings the database to the last of `migrations`. Where it is there already, only reads.
pub(crate) async fn apply(session: &Session, migrations: &[Migration]) -> Result<()> {
    let done = applied(session).await?;
    if check(session, migrations, &done)?.is_empty() {
        return Ok(());
    }
    let deadline = Instant::now() + session.limits.lock;
    loop {
        match attempt(session, migrations).await {
            Err(error)
                if error.is_retryable()
                    && !session.client().is_closed()
                    && Instant::now() + PAUSE < deadline =>
            {
                tracing::info!(error = %error, "trying the migrations again");
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

async fn attempt(session: &Session, migrations: &[Migration]) -> Result<()> {
    session
        .transaction(OPERATION, async {
            let limit = format!("SET LOCAL lock_timeout = {}", millis(LOCK));
            session.batch(OPERATION, &limit).await?;
            session.lock_in_transaction(OPERATION, MIGRATE_LOCK).await?;
            // CREATE SCHEMA IF NOT EXISTS asks for a right that an owner of the schema may lack.
            let sql = "SELECT to_regnamespace('insiders') IS NULL";
            if session.get(&session.one(OPERATION, sql, &[]).await?, 0)? {
                session.batch(OPERATION, "CREATE SCHEMA insiders").await?;
            }
            session.batch(OPERATION, BOOTSTRAP).await?;
            let done = applied(session).await?;
            for (version, migration) in check(session, migrations, &done)? {
                let operation = format!("applying migration {}", migration.name);
                session.batch(&operation, migration.sql).await?;
                let sql = "INSERT INTO insiders.schema_migrations (version, name, sha256) \
                           VALUES ($1, $2, $3)";
                let sha256 = digest(migration.sql);
                session
                    .execute(&operation, sql, &[&version, &migration.name, &sha256])
                    .await?;
                tracing::info!(migration = migration.name, "applied a migration");
            }
            Ok(())
        })
        .await?;
    let sql = "SELECT to_regrole('insiders_reader') IS NULL";
    if session.get(&session.one(OPERATION, sql, &[]).await?, 0)? {
        tracing::warn!(
            "role insiders_reader is missing and may not be created here: let an administrator \
             CREATE ROLE insiders_reader NOLOGIN, then SELECT insiders.grant_reader('insiders_reader')"
        );
    }
    Ok(())
}

struct Applied {
    version: i32,
    name: String,
    sha256: String,
}

async fn applied(session: &Session) -> Result<Vec<Applied>> {
    let sql = "SELECT to_regclass('insiders.schema_migrations') IS NOT NULL";
    if !session.get::<bool>(&session.one(OPERATION, sql, &[]).await?, 0)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT version, name, sha256 FROM insiders.schema_migrations ORDER BY version";
    let rows = session.rows(OPERATION, sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Applied {
                version: session.get(row, 0)?,
                name: session.get(row, 1)?,
                sha256: session.get(row, 2)?,
            })
        })
        .collect()
}

/// What is left to apply, with its number; refuses what does not fit.
fn check<'a>(
    session: &Session,
    migrations: &'a [Migration],
    applied: &[Applied],
) -> Result<Vec<(i32, &'a Migration)>> {
    let conflict = |what: String, reason: String| Error::Conflict { what, reason };
    let place = session.place();
    let mut left: Vec<(i32, &Migration)> = (1..).zip(migrations).collect();
    for done in applied {
        let Some(at) = left
            .iter()
            .position(|(version, _)| *version == done.version)
        else {
            return Err(conflict(
                format!("schema insiders on {place}"),
                format!(
                    "migration {} is newer than this program, which ends at {}: use the program that applied it, or a newer one",
                    done.name,
                    migrations.len()
                ),
            ));
        };
        let (_, migration) = left.remove(at);
        if migration.name != done.name || digest(migration.sql) != done.sha256 {
            return Err(conflict(
                format!("migration {}", migration.name),
                format!(
                    "{place} has another text under this number ({}): a migration is never edited, add a new one",
                    done.name
                ),
            ));
        }
    }
    Ok(left)
}

/// SHA-256 of a migration's text, whatever line ends the checkout gave it.
fn digest(sql: &str) -> String {
    shared::store::sha256(sql.replace("\r\n", "\n").as_bytes())
}
