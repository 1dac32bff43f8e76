//! The faults, and what each is to end in.

use super::message::Request;
use super::proxy::Point;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// This status and code, and the server never hears of the request.
    Refuse(u16, &'static str),
    /// The connection is reset before the server hears of the request.
    Reset,
    /// The server has done what was asked, and the connection is reset before it can say so.
    LoseAnswer,
    /// The connection is reset in the middle of the answer's body.
    BreakOff,
    /// The answer's body ends too early, in order.
    Truncate,
    /// No answer at all.
    Silence,
    /// The answer stops in the middle of its body, and nothing follows.
    Stall,
    /// The answer comes in small pieces.
    Trickle,
    /// One bit of the answer's body is turned.
    FlipAnswer,
    /// One bit of the request's body is turned.
    FlipUpload,
    /// The answer's dates are of other decades.
    YearsOff,
    /// A status of success, and an error in the body.
    ErrorAfterOk,
}

pub(super) const INTERNAL: Kind = Kind::Refuse(500, "InternalError");
pub(super) const SLOW_DOWN: Kind = Kind::Refuse(503, "SlowDown");
pub(super) const DENIED: Kind = Kind::Refuse(403, "AccessDenied");
// S3's own status for it; STS says 403.
pub(super) const EXPIRED: Kind = Kind::Refuse(400, "ExpiredToken");
pub(super) const SKEWED: Kind = Kind::Refuse(403, "RequestTimeTooSkewed");
/// What S3 says of a body that is not what its checksum says.
pub(super) const BAD_DIGEST: Kind = Kind::Refuse(400, "BadDigest");
pub(super) const LOST_RACE: Kind = Kind::Refuse(412, "PreconditionFailed");
pub(super) const NOT_THERE: Kind = Kind::Refuse(404, "NoSuchKey");

impl Kind {
    /// Whether it can happen to this request.
    pub(super) fn fits(self, request: &Request) -> bool {
        let has_answer = matches!(request.method.as_str(), "GET" | "POST");
        match self {
            Self::BreakOff | Self::Truncate | Self::Stall | Self::Trickle | Self::FlipAnswer => {
                has_answer
            }
            Self::FlipUpload | BAD_DIGEST => request.has_body(),
            Self::ErrorAfterOk => request.method == "POST" && request.upload_id().is_some(),
            LOST_RACE => request.is_conditional_write(),
            NOT_THERE => request.method == "GET",
            _ => true,
        }
    }

    /// Whether it can happen to a request of this name: what is known of it before it is made.
    pub(super) fn fits_name(self, name: &str) -> bool {
        let reads = name.starts_with("GET ");
        match self {
            Self::BreakOff | Self::Truncate | Self::Stall | Self::Trickle | Self::FlipAnswer => {
                reads || name.starts_with("POST ")
            }
            Self::FlipUpload | BAD_DIGEST => name.starts_with("PUT "),
            Self::ErrorAfterOk => name.ends_with(" complete"),
            LOST_RACE => name.starts_with("PUT "),
            NOT_THERE => reads,
            _ => true,
        }
    }

    /// As people call it.
    pub(super) fn called(self) -> String {
        match self {
            Self::Refuse(status, code) => format!("S3 answers {status} {code}"),
            Self::Reset => "connection reset before S3 hears of it".to_owned(),
            Self::LoseAnswer => "connection reset after S3 has done it".to_owned(),
            Self::BreakOff => "connection reset mid-body".to_owned(),
            Self::Truncate => "body cut short".to_owned(),
            Self::Silence => "no answer".to_owned(),
            Self::Stall => "body stands still".to_owned(),
            Self::Trickle => "body trickles".to_owned(),
            Self::FlipAnswer => "a bit of a download turned".to_owned(),
            Self::FlipUpload => "a bit of an upload turned".to_owned(),
            Self::YearsOff => "S3's dates years off".to_owned(),
            Self::ErrorAfterOk => "an error after 200".to_owned(),
        }
    }
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// To the first requests of the name: one is gone with the client's second attempt, three
    /// outlast all of its attempts.
    First(usize),
    /// To every request from there on that it can happen to.
    Ever,
}

impl Times {
    /// As people call it.
    pub(super) fn called(self) -> &'static str {
        match self {
            Self::First(1) => "once",
            Self::First(_) => "for all of the client's attempts",
            Self::Ever => "from there on",
        }
    }
}

/// What goes wrong, at which request and how often.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) at: Point,
    pub(super) times: Times,
}
