//! What a failure of Postgres means: try again, or not.

use std::time::Duration;

use shared::Error;
use tokio_postgres::error::SqlState;

/// The product's error for a failed `operation`. `place` is where the database is. Only the
/// message of Postgres is repeated: its detail and context may quote a row.
pub(crate) fn of(place: &str, operation: &str, error: &tokio_postgres::Error) -> Error {
    let operation = format!("{operation} on {place}");
    let (retry, reason) = match error.as_db_error() {
        Some(db) => (
            is_transient(db.code()),
            format!(
                "{} (SQLSTATE {}){}",
                db.message().replace('\n', " "),
                db.code().code(),
                advice(db.code())
            ),
        ),
        None => judge(error),
    };
    if retry {
        Error::Unavailable {
            service: "Postgres",
            operation,
            reason,
        }
    } else {
        Error::Refused {
            service: "Postgres",
            operation,
            reason,
        }
    }
}

/// The product's error for an `operation` that nothing was heard of for so long.
pub(crate) fn silence(place: &str, operation: &str, waited: Duration) -> Error {
    let seconds = waited.as_secs_f64();
    Error::Unavailable {
        service: "Postgres",
        operation: format!("{operation} on {place}"),
        reason: format!("no answer in {seconds:.1} s: the connection was given up"),
    }
}

/// Whether the same statement may succeed later.
fn is_transient(code: &SqlState) -> bool {
    let named = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        // A standby, as the old primary is for a moment after a failover.
        SqlState::READ_ONLY_SQL_TRANSACTION,
        // Two publishers created the same thing at once, or one dropped what another used.
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    // Connection exceptions, insufficient resources (a disk grows, memory and connections are
    // given back), errors of the system under Postgres.
    let classes = ["08", "53", "58"];
    // A limit that somebody set is no lack of anything: it is there the next time, too.
    let is_set = *code == SqlState::CONFIGURATION_LIMIT_EXCEEDED;
    named.contains(code) || !is_set && classes.iter().any(|class| code.code().starts_with(class))
}

/// What to do, where Postgres' own words do not say it.
fn advice(code: &SqlState) -> &'static str {
    match *code {
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            ": the server is a standby, or default_transaction_read_only is on; publish to the \
             primary, as the publisher's role may write"
        }
        SqlState::DISK_FULL => ": make room on the database's disk",
        SqlState::CONFIGURATION_LIMIT_EXCEEDED => ": raise it for the publisher's role",
        _ => "",
    }
}

/// A failure that the server did not put into words.
fn judge(error: &tokio_postgres::Error) -> (bool, String) {
    let mut reason = error.to_string();
    let mut retry = error.is_closed();
    let mut cause = std::error::Error::source(error);
    while let Some(link) = cause {
        let text = link.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        if let Some(io) = link.downcast_ref::<std::io::Error>() {
            let tls = io
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>());
            retry |= !tls && !is_unknown_name(&text) && io.kind() != std::io::ErrorKind::NotFound;
        }
        cause = link.source();
    }
    (retry, reason.replace('\n', " "))
}

/// Whether a name server answered that there is no such host; where it could not be asked,
/// trying again helps.
fn is_unknown_name(text: &str) -> bool {
    text.contains("failed to lookup address") && !text.contains("emporary failure")
}

/// Whether Postgres said that a key is there already.
pub(crate) fn is_duplicate(error: &tokio_postgres::Error) -> bool {
    error
        .code()
        .is_some_and(|c| *c == SqlState::UNIQUE_VIOLATION || *c == SqlState::EXCLUSION_VIOLATION)
}

/// Whether the database's encoding has no such character.
pub(crate) fn is_unencodable(error: &tokio_postgres::Error) -> bool {
    error
        .code()
        .is_some_and(|c| *c == SqlState::UNTRANSLATABLE_CHARACTER)
}
