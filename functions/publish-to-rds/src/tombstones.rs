//! Who was erased: a publication leaves them out. No id is kept, only its SHA-256.

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use shared::{Error, Result};

use crate::session::Session;

const OPERATION: &str = "asking who was erased";

/// The customers that were erased until a moment.
#[derive(Debug, Clone)]
pub(crate) struct Tombstones {
    hashes: Arc<HashSet<[u8; 32]>>,
    last: i64,
}

impl Tombstones {
    pub(crate) async fn read(session: &Session) -> Result<Self> {
        let sql = "SELECT customer_sha256, erasure FROM insiders.erased_customers";
        let (mut hashes, mut last) = (HashSet::new(), 0);
        for row in session.rows(OPERATION, sql, &[]).await? {
            let hash = session.get::<&[u8]>(&row, 0)?;
            let hash = hash.try_into().map_err(|_| Error::Corrupt {
                object: format!("insiders.erased_customers on {}", session.place()),
                reason: "a hash has not 32 bytes".to_owned(),
            })?;
            hashes.insert(hash);
            last = last.max(session.get(&row, 1)?);
        }
        let hashes = Arc::new(hashes);
        Ok(Self { hashes, last })
    }

    /// Whether the customer with this id was erased.
    pub(crate) fn contains(&self, id: &[u8]) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(Sha256::digest(id).as_slice())
    }

    /// Refuses to go on where somebody was erased since [`read`](Self::read): the loaded
    /// rows may be that person's.
    pub(crate) async fn expect_unchanged(&self, session: &Session) -> Result<()> {
        let sql = "SELECT count(*), coalesce(max(erasure), 0) FROM insiders.erased_customers";
        let row = session.one(OPERATION, sql, &[]).await?;
        let (count, last): (i64, i64) = (session.get(&row, 0)?, session.get(&row, 1)?);
        if count == self.hashes.len() as i64 && last == self.last {
            return Ok(());
        }
        Err(Error::Unavailable {
            service: "Postgres",
            operation: format!("publishing to {}", session.place()),
            reason: "customers were erased meanwhile: try again".to_owned(),
        })
    }
}
