//! What the warm process is given to do, one after the other.

use bytes::Bytes;
use shared::contracts::{AsOf, Mode, ObjectRef, Request};

use super::warm::Reply;

/// What is special about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// New models.
    Fit,
    /// The champion, applied.
    Apply,
    /// Some lines can't be read.
    Dirty,
    /// The run before, asked for again.
    Repeated,
    /// A moment before the one that readers see.
    Older,
    /// Too many lines can't be read.
    TooDirty,
    /// No export at all.
    Garbage,
    /// The connection to Postgres is cut at some answer.
    PostgresCut,
    /// All connections to S3 are cut at some moment.
    S3Cut,
}

impl Kind {
    /// Whether a run comes of it, and nothing but the run.
    pub(super) fn is_whole(self) -> bool {
        !matches!(self, Self::Repeated | Self::TooDirty | Self::Garbage)
    }
}

/// Run `number` of the sequence.
#[derive(Debug, Clone)]
pub(super) struct Job {
    number: usize,
    pub(super) kind: Kind,
}

impl Job {
    pub(super) fn of(number: usize) -> Self {
        let kind = match number % 25 {
            0 => Kind::Fit,
            3 | 16 => Kind::Dirty,
            5 | 18 => Kind::Repeated,
            7 => Kind::TooDirty,
            9 | 21 => Kind::PostgresCut,
            11 => Kind::Garbage,
            13 | 23 => Kind::S3Cut,
            19 => Kind::Older,
            _ => Kind::Apply,
        };
        Self { number, kind }
    }

    /// The run whose upload is read: of a repeated one, that of the one before.
    fn source(&self) -> usize {
        self.number - usize::from(self.kind == Kind::Repeated)
    }

    fn key(&self) -> String {
        format!("uploads/{}.csv", self.source())
    }

    /// What comes to the bucket before the run.
    pub(super) fn upload(&self) -> Option<(String, Bytes)> {
        let bytes = match self.kind {
            Kind::Repeated => return None,
            Kind::Garbage => [&b"PK\x03\x04"[..], &[self.number as u8; 4_000]].concat(),
            kind => {
                // Fewer lines than pieces of the golden ratio: no two sizes in a row are near.
                let share = (self.number as f64 * 0.618_033_988_75).fract();
                let options = insiders::generate::Options {
                    rows: 1_500 + (share * 3_000.0) as u64,
                    customers: Some(60 + (share * 120.0) as u64),
                    seed: self.number as u64,
                    dirty: match kind {
                        Kind::Dirty => 0.004,
                        Kind::TooDirty => 0.05,
                        _ => 0.0,
                    },
                };
                let mut csv = Vec::new();
                insiders::generate::write(&options, &mut csv).unwrap();
                csv
            }
        };
        Some((self.key(), Bytes::from(bytes)))
    }

    pub(super) fn request(&self, bucket: &str) -> Request {
        // An hour from run to run; a repeated run has the moment of the one that it repeats.
        let hours = self.source() as i64;
        let first = jiff::civil::date(2025, 12, 1).at(0, 0, 0, 0);
        let moment = match self.kind {
            Kind::Older => first.checked_sub(jiff::Span::new().hours(1)),
            _ => first.checked_add(jiff::Span::new().hours(hours)),
        };
        Request {
            source: ObjectRef {
                bucket: bucket.to_owned(),
                key: self.key(),
                version: None,
            },
            mode: match self.kind {
                Kind::Fit => Mode::Fit,
                _ => Mode::Auto,
            },
            as_of: Some(AsOf(moment.unwrap())),
            force_publish: false,
            fill_history: false,
            scale: shared::contracts::Scale::default(),
        }
    }

    /// The answer of Postgres at which the connection is cut.
    pub(super) fn cut(&self) -> u32 {
        1 + (self.number as u32 * 7) % 60
    }

    /// Holds what came of it against what must.
    pub(super) fn expect(&self, reply: &Reply) {
        let error = reply.error.as_deref();
        match self.kind {
            Kind::TooDirty | Kind::Garbage => {
                assert_eq!(error, Some("Insiders.BadInput"), "{self:?}: {reply:?}");
            }
            Kind::Older => assert_eq!(error, Some("Insiders.Superseded"), "{self:?}: {reply:?}"),
            Kind::Repeated => {
                assert_eq!(error, None, "{self:?}: {reply:?}");
                assert!(reply.already && !reply.changed, "{self:?}: {reply:?}");
            }
            Kind::Fit | Kind::Apply | Kind::Dirty | Kind::PostgresCut | Kind::S3Cut => {
                assert_eq!(error, None, "{self:?}: {reply:?}");
                // A cut after the switch makes the retry find the run in place.
                let is_cut = matches!(self.kind, Kind::PostgresCut | Kind::S3Cut);
                assert!(
                    reply.changed || is_cut && reply.retries > 0,
                    "{self:?}: {reply:?}"
                );
            }
        }
    }
}
