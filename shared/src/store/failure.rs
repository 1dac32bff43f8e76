//! The SDK's failures, by what can be done about them.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::Error;

/// The failure of `operation` on `bucket`/`key`.
pub(super) fn of<E>(
    operation: &str,
    bucket: &str,
    key: &str,
    error: &SdkError<E, HttpResponse>,
) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let place = format!("{bucket}/{key}");
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    let operation = format!("{operation} of {place}");
    match (code, status) {
        ("NoSuchBucket", _) => Error::NotFound {
            what: format!("bucket '{bucket}'"),
            hint: "check its name, account and region".to_owned(),
        },
        // It was completed or taken back, and the answer got lost: a new attempt begins another.
        ("NoSuchUpload", _) => Error::Unavailable {
            service: "S3",
            operation,
            reason: reason(error),
        },
        ("NoSuchKey" | "NotFound" | "NoSuchVersion", _) | (_, Some(404)) => Error::NotFound {
            what: format!("object '{place}'"),
            hint: "check the bucket, the key and the version".to_owned(),
        },
        ("PreconditionFailed" | "ConditionalRequestConflict", _) | (_, Some(412)) => {
            Error::Conflict {
                what: place,
                reason: "it was changed meanwhile".to_owned(),
            }
        }
        (_, None | Some(408 | 429 | 500..)) => Error::Unavailable {
            service: "S3",
            operation,
            reason: reason(error),
        },
        // Codes of a clock, a token or a body on its way that a new attempt mends, and of
        // failures that S3 tells of after a status of success.
        (
            "RequestTimeout"
            | "ExpiredToken"
            | "RequestTimeTooSkewed"
            | "SlowDown"
            | "InternalError"
            | "ServiceUnavailable"
            | "BadDigest"
            | "IncompleteBody"
            | "XAmzContentSHA256Mismatch",
            _,
        ) => Error::Unavailable {
            service: "S3",
            operation,
            reason: reason(error),
        },
        _ => Error::Refused {
            service: "S3",
            operation,
            reason: reason(error),
        },
    }
}

/// A refusal without a code, as in answer to HEAD: its cause can't be told from it.
pub(super) fn is_mute<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error.raw_response().map(|r| r.status().as_u16());
    error.code().is_none() && matches!(status, Some(400 | 403))
}

/// Whether an upload is not there any more, completed or taken back.
pub(super) fn is_no_upload<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("NoSuchUpload")
}

/// Why a body broke off.
pub(super) fn broken(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn reason<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => {
            let mut text = DisplayErrorContext(error).to_string();
            // The context ends in a debug dump of the error: keep the sentence before it.
            if let Some(end) = text.find(" (") {
                text.truncate(end);
            }
            text
        }
    }
}
