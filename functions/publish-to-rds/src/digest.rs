//! The digest of a run's rows, computed once here while they are sent and once by Postgres
//! from what it stored.
//!
//! A row's SHA-256 covers its columns in Postgres' own binary form, in the order of
//! [`COLUMNS`] and [`OPTIONAL`]; so `-0`, `NaN` and every byte of an id count. The first two
//! 64-bit words of the hashes are each summed modulo 2^64: the order of the rows does not
//! matter, a row that is lost, doubled or changed does.
//!
//! Columns that came later are null in the runs of before, whose digests stand: of a row
//! whose first such column is null, none of them counts.

use sha2::{Digest, Sha256};
use shared::{Error, Result};

use crate::names::RunId;
use crate::session::Session;

/// The columns that every run has, with the function that gives each one's binary form.
pub(crate) const COLUMNS: [(&str, &str); 10] = [
    ("customer_id", "textsend"),
    ("is_guest", "boolsend"),
    ("gross_revenue", "float8send"),
    ("recency_days", "int8send"),
    ("quantity_of_products", "int8send"),
    ("returns", "int8send"),
    ("frequency", "float8send"),
    ("embedding_x", "float8send"),
    ("embedding_y", "float8send"),
    ("label", "int4send"),
];

/// The columns that may be null, in the order in which they came to the table. Each counts
/// with its length before it, -1 for null, as in a COPY. The first is null in a run of before
/// there were any, and nowhere else.
pub(crate) const OPTIONAL: [(&str, &str); 12] = [
    ("purchases", "int8send"),
    ("rfm_recency", "int4send"),
    ("rfm_frequency", "int4send"),
    ("rfm_monetary", "int4send"),
    ("rfm_group", "textsend"),
    ("p_alive", "float8send"),
    ("expected_purchases", "float8send"),
    ("clv", "float8send"),
    ("next_step", "textsend"),
    ("next_step_pieces", "int8send"),
    ("next_step_spend", "float8send"),
    ("keep", "textsend"),
];

/// Names of all that is sent, in order.
pub(crate) fn names() -> String {
    let all = COLUMNS.iter().chain(&OPTIONAL);
    all.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// SQL: the bytes of a row that are hashed. `insiders.row_bytes` says the same from the
/// catalog, for erasures.
fn row_bytes() -> String {
    let required = COLUMNS.map(|(column, send)| format!("{send}({column})"));
    let optional = OPTIONAL.map(|(column, send)| {
        format!(
            "coalesce(int4send(octet_length({send}({column}))) || {send}({column}), int4send(-1))"
        )
    });
    let [(first, _), ..] = OPTIONAL;
    format!(
        "{} || CASE WHEN {first} IS NULL THEN '' ELSE {} END",
        required.join(" || "),
        optional.join(" || ")
    )
}

/// The digest of the rows so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RowDigest {
    pub(crate) rows: u64,
    sums: [u64; 2],
}

impl RowDigest {
    /// Adds a row, given as the binary forms of its columns one after the other. The
    /// first has a length of its own and those that may be null say theirs, so that no two
    /// rows of a run have the same bytes.
    pub(crate) fn add(&mut self, row: &[u8]) {
        let hash = Sha256::digest(row);
        for (sum, word) in self.sums.iter_mut().zip(hash.chunks_exact(8)) {
            let word = word.try_into().map_or(0, u64::from_be_bytes);
            *sum = sum.wrapping_add(word);
        }
        self.rows += 1;
    }

    /// Adds the rows of another digest.
    pub(crate) fn join(&mut self, other: &Self) {
        for (sum, word) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.wrapping_add(word);
        }
        self.rows += other.rows;
    }

    /// 32 hexadecimal digits.
    pub(crate) fn text(&self) -> String {
        let [first, second] = self.sums;
        format!("{first:016x}{second:016x}")
    }

    /// What Postgres holds in a table of this schema.
    pub(crate) async fn stored(session: &Session, table: &str) -> Result<Self> {
        let operation = "checking the rows";
        let row = row_bytes();
        let word = |from: u8| {
            format!(
                "coalesce(sum(('x' || encode(substring(hash FROM {from} FOR 8), 'hex'))::bit(64)::bigint), 0)::text"
            )
        };
        let sql = format!(
            "SELECT count(*), {}, {} FROM (SELECT sha256({row}) AS hash FROM insiders.{table}) hashes",
            word(1),
            word(9)
        );
        let row = session
            .transaction(operation, async {
                session.allow_load_in_transaction(operation).await?;
                session.one(operation, &sql, &[]).await
            })
            .await?;
        let rows: i64 = session.get(&row, 0)?;
        Ok(Self {
            rows: rows.cast_unsigned(),
            sums: [
                modulo(session.get(&row, 1)?)?,
                modulo(session.get(&row, 2)?)?,
            ],
        })
    }

    /// Compares what was sent with what Postgres holds.
    pub(crate) fn expect(self, stored: Self, run: &RunId, place: &str) -> Result<()> {
        if self == stored {
            return Ok(());
        }
        Err(Error::Corrupt {
            object: format!("the copy of run {run} on {place}"),
            reason: format!(
                "{} rows with digest {} were sent, {} with {} are there",
                self.rows,
                self.text(),
                stored.rows,
                stored.text()
            ),
        })
    }
}

/// Postgres sums the words as signed numbers without overflow; modulo 2^64 it is the same.
fn modulo(sum: &str) -> Result<u64> {
    sum.parse::<i128>()
        .map(|sum| sum as u64)
        .map_err(|e| Error::Internal(format!("the sum of the rows' digests: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&[u8]]) -> RowDigest {
        let mut digest = RowDigest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let digest = of(&[b"a", b"b", b"b"]);
        assert_eq!(digest, of(&[b"b", b"a", b"b"]));
        for other in [
            of(&[b"a", b"b"]),
            of(&[b"a", b"a", b"b"]),
            of(&[b"a", b"b", b"c"]),
        ] {
            assert_ne!(digest.text(), other.text());
        }
    }

    #[test]
    fn a_signed_sum_is_taken_modulo_two_to_the_sixty_four() {
        assert_eq!(modulo("-1").unwrap(), u64::MAX);
        assert_eq!(modulo("18446744073709551617").unwrap(), 1);
        assert!(modulo("NaN").is_err());
    }
}
