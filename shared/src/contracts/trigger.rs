//! What sets a run off: the events of S3, EventBridge and the scheduler, or a request made by
//! hand. All become one [`Trigger`]; nothing after it knows where a run came from.

use serde::Deserialize;
use serde_json::Value;

use super::{Mode, ObjectRef, Request};
use crate::{Error, Result};

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A run of a known object.
    Run(Request),
    /// A run of whatever is newest under a prefix of the function's own bucket.
    Newest {
        /// Where to look.
        prefix: String,
        /// Fit or apply.
        mode: Mode,
    },
    /// A run of a known key in the function's own bucket.
    Configured {
        /// The key.
        key: String,
        /// Fit or apply.
        mode: Mode,
    },
    /// S3's word that notifications are set up: there is nothing to do.
    Test,
}

/// Where exports arrive.
pub const UPLOADS: &str = "uploads/";

impl Trigger {
    /// Reads an event. Which of the five shapes it has is told by the keys that only that
    /// shape has, so that an error names the field of the shape that was meant.
    pub fn parse(event: Value) -> Result<Self> {
        if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return Ok(Self::Test);
        }
        if event.get("Records").is_some() {
            return read::<Notification>(event, "S3 notification")?.trigger();
        }
        if event.get("detail-type").is_some() {
            return read::<BusEvent>(event, "EventBridge event")?.trigger();
        }
        if event.get("schedule").is_some() {
            return Ok(read::<Scheduled>(event, "schedule's event")?
                .schedule
                .trigger());
        }
        read(event, "request").map(Self::Run)
    }
}

fn read<T: for<'de> Deserialize<'de>>(event: Value, origin: &str) -> Result<T> {
    serde_json::from_value(event).map_err(|e| Error::config(origin, e.to_string()))
}

fn run(bucket: String, key: String, version: Option<String>) -> Trigger {
    Trigger::Run(Request {
        source: ObjectRef {
            bucket,
            key,
            // What a bucket without versions says of an object's.
            version: version.filter(|id| !id.is_empty() && id != "null"),
        },
        mode: Mode::Auto,
        as_of: None,
        force_publish: false,
        fill_history: false,
        scale: crate::contracts::Scale::default(),
    })
}

/// The scheduler's event, as the template writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheduled {
    schedule: Schedule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schedule {
    #[serde(default)]
    mode: Mode,
    /// One object, in place of the newest one.
    key: Option<String>,
    prefix: Option<String>,
    /// The moment it was due: it names the execution, the run does not depend on it.
    #[serde(rename = "scheduled_time")]
    _scheduled_time: Option<String>,
}

impl Schedule {
    fn trigger(self) -> Trigger {
        match self.key.filter(|key| !key.is_empty()) {
            Some(key) => Trigger::Configured {
                key,
                mode: self.mode,
            },
            None => Trigger::Newest {
                prefix: self.prefix.unwrap_or_else(|| UPLOADS.to_owned()),
                mode: self.mode,
            },
        }
    }
}

/// EventBridge's envelope. AWS adds fields as it likes: unknown ones are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BusEvent {
    detail_type: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Name,
    object: BusObject,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// EventBridge gives keys as they are.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BusObject {
    key: String,
    version_id: Option<String>,
}

impl BusEvent {
    fn trigger(self) -> Result<Trigger> {
        if self.detail_type != "Object Created" {
            return Err(Error::config(
                "EventBridge event",
                format!(
                    "its type is '{}', only 'Object Created' starts a run",
                    self.detail_type
                ),
            ));
        }
        let Detail { bucket, object } = self.detail;
        Ok(run(bucket.name, object.key, object.version_id))
    }
}

/// S3's own notification, for buckets that call the function directly.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: S3Record,
}

#[derive(Deserialize)]
struct S3Record {
    bucket: Name,
    object: S3Object,
}

/// A notification gives keys as an HTML form would.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Object {
    key: String,
    version_id: Option<String>,
}

impl Notification {
    fn trigger(self) -> Result<Trigger> {
        let wrong = |reason: String| Error::config("S3 notification", reason);
        let count = self.records.len();
        let mut records = self.records.into_iter();
        let (Some(record), None) = (records.next(), records.next()) else {
            return Err(wrong(format!(
                "it has {count} records, a run has one source"
            )));
        };
        if !record.event_name.starts_with("ObjectCreated:") {
            return Err(wrong(format!(
                "its event is '{}', only ObjectCreated starts a run",
                record.event_name
            )));
        }
        let S3Record { bucket, object } = record.s3;
        let key = form_decoded(&object.key)
            .ok_or_else(|| wrong(format!("the key '{}' is not URL-encoded utf-8", object.key)))?;
        Ok(run(bucket.name, key, object.version_id))
    }
}

/// Undoes a form's encoding: `+` is a space, `%XX` a byte of utf-8.
fn form_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? * 16 + hex_digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contracts::AsOf;

    /// An event of the project's `events/` folder.
    fn event(name: &str) -> Value {
        let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        serde_json::from_str(&text).unwrap()
    }

    fn source(name: &str) -> ObjectRef {
        match Trigger::parse(event(name)).unwrap() {
            Trigger::Run(request) => {
                assert_eq!(request.mode, Mode::Auto);
                request.source
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    const KEY: &str = "uploads/2026/café sales + returns 100%.csv";

    #[test]
    fn eventbridge_gives_the_key_as_it_is() {
        let source = source("s3-object-created");
        assert_eq!(source.bucket, "insiders");
        assert_eq!(source.key, KEY);
        assert_eq!(
            source.version.as_deref(),
            Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")
        );
    }

    #[test]
    fn a_notification_gives_the_same_key_url_encoded() {
        assert_eq!(source("s3-notification").key, KEY);
        assert_eq!(
            source("s3-notification").version,
            source("s3-object-created").version
        );
    }

    #[test]
    fn both_events_of_one_upload_are_the_same_request() {
        assert_eq!(
            Trigger::parse(event("s3-notification")).unwrap(),
            Trigger::parse(event("s3-object-created")).unwrap()
        );
    }

    #[test]
    fn a_test_event_asks_for_nothing() {
        assert_eq!(Trigger::parse(event("s3-test")).unwrap(), Trigger::Test);
    }

    #[test]
    fn a_schedule_means_the_newest_object_or_the_configured_one() {
        assert_eq!(
            Trigger::parse(event("schedule-apply")).unwrap(),
            Trigger::Newest {
                prefix: "uploads/".to_owned(),
                mode: Mode::Apply
            }
        );
        assert_eq!(
            Trigger::parse(event("schedule-fit")).unwrap(),
            Trigger::Configured {
                key: "uploads/sales.csv".to_owned(),
                mode: Mode::Fit
            }
        );
    }

    #[test]
    fn the_state_machines_own_input_is_a_request() {
        let Trigger::Run(request) = Trigger::parse(event("request")).unwrap() else {
            panic!("not a request");
        };
        assert_eq!(request.mode, Mode::Fit);
        assert_eq!(
            request.as_of,
            Some("2011-12-09T12:50:00".parse::<AsOf>().unwrap())
        );
        assert!(matches!(
            Trigger::parse(event("preprocess")).unwrap(),
            Trigger::Run(_)
        ));
    }

    #[test]
    fn a_bucket_without_versions_says_null() {
        let mut event = event("s3-object-created");
        event["detail"]["object"]["version-id"] = "null".into();
        let Trigger::Run(request) = Trigger::parse(event).unwrap() else {
            panic!("not a request");
        };
        assert_eq!(request.source.version, None);
    }

    #[test]
    fn an_event_that_starts_no_run_is_refused_by_name() {
        let mut deleted = event("s3-object-created");
        deleted["detail-type"] = "Object Deleted".into();
        let mut removed = event("s3-notification");
        removed["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
        let mut two = event("s3-notification");
        let record = two["Records"][0].clone();
        two["Records"].as_array_mut().unwrap().push(record);
        let mut broken = event("s3-notification");
        broken["Records"][0]["s3"]["object"]["key"] = "uploads/%F0%28.csv".into();
        let mut cut = event("s3-notification");
        cut["Records"][0]["s3"]["object"]["key"] = "uploads/%4".into();
        let misspelt = serde_json::json!({ "schedule": { "moed": "fit" } });
        for (event, word) in [
            (deleted, "Object Deleted"),
            (removed, "ObjectRemoved"),
            (two, "2 records"),
            (broken, "utf-8"),
            (cut, "utf-8"),
            (misspelt, "moed"),
            (serde_json::json!({}), "source"),
            (serde_json::json!([]), "request"),
        ] {
            let error = Trigger::parse(event).unwrap_err();
            assert_eq!(error.name(), "Insiders.Config");
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
