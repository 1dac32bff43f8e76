//! How long a publication may take, and how much it may use.

use std::time::Duration;

use shared::{Error, Result};

/// How long each part of a publication may take, and how much of it is in memory at once.
#[derive(Debug, Clone)]
pub struct Limits {
    /// One attempt to connect, where the URL has no `connect_timeout`.
    pub connect: Duration,
    /// One statement other than loading and checking.
    pub statement: Duration,
    /// Loading a run's rows, and checking them.
    pub load: Duration,
    /// Waiting for a lock that another publisher holds.
    pub lock: Duration,
    /// Waiting for readers of a run that is to be dropped.
    pub prune_lock: Duration,
    /// How much longer than the server the client waits for the server's word.
    pub grace: Duration,
    /// All of it, where the process itself has only so long.
    pub session: Duration,
    /// Batches that are read ahead, of each table that is being read.
    pub batches_ahead: usize,
    /// Connections that load the shards of a run at once, besides the one that publishes it.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            statement: Duration::from_secs(60),
            load: Duration::from_secs(14 * 60),
            lock: Duration::from_secs(30),
            prune_lock: Duration::from_secs(3),
            grace: Duration::from_secs(10),
            session: Duration::MAX,
            batches_ahead: 2,
            connections: 4,
        }
    }
}

/// More is of no use: a server has fewer processors.
const MOST_CONNECTIONS: usize = 64;

impl Limits {
    /// Reads how many [`connections`](Self::connections) there shall be: 1 to 64.
    pub fn parse_connections(text: &str) -> Result<usize> {
        let number = text.parse().ok();
        let number = number.filter(|number| (1..=MOST_CONNECTIONS).contains(number));
        number.ok_or_else(|| {
            let reason = format!("'{text}' is no number from 1 to {MOST_CONNECTIONS}");
            Error::config("PUBLISH_CONNECTIONS", reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_one_to_sixty_four_connections() {
        assert_eq!(Limits::parse_connections("1").unwrap(), 1);
        assert_eq!(Limits::parse_connections("64").unwrap(), 64);
        for wrong in ["0", "65", "-1", "", "four"] {
            let error = Limits::parse_connections(wrong).unwrap_err();
            assert_eq!(error.name(), "Insiders.Config", "{wrong}");
        }
    }
}
