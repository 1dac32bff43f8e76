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
        // Codes of a clock or token that a new attempt mends.
        ("RequestTimeout" | "ExpiredToken" | "RequestTimeTooSkewed" | "SlowDown", _) => {
            Error::Unavailable {
                service: "S3",
                operation,
                reason: reason(error),
            }
        }
        _ => Error::Refused {
            service: "S3",
            operation,
            reason: reason(error),
        },
    }
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
