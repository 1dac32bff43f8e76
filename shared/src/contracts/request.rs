//! What a caller asks for.

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::settings::{Engine, ScaleSettings};
use crate::{Error, Result};

/// An object in S3, by name and optionally by version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Bucket.
    pub bucket: String,
    /// Key, as it is (not URL-encoded).
    pub key: String,
    /// Version, where the bucket is versioned and one version is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Whether models are fitted or applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Apply the champion; fit if there is none.
    #[default]
    Auto,
    /// Fit new models and make them the champion.
    Fit,
    /// Apply the champion; an error if there is none.
    Apply,
}

/// The moment of a run in the shop's own time: later lines are ignored, recency counts
/// back from it. Written `2011-12-09` (the end of that day) or `2011-12-09T12:50:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AsOf(pub DateTime);

impl std::str::FromStr for AsOf {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Ok(date) = text.parse::<Date>()
            && text.len() <= 10
        {
            return Ok(Self(date.at(23, 59, 59, 0)));
        }
        text.parse::<DateTime>().map(Self).map_err(|_| {
            Error::config(
                "as-of",
                format!("'{text}' is neither a date (2011-12-09) nor a date and time (2011-12-09T12:50:00)"),
            )
        })
    }
}

impl TryFrom<String> for AsOf {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<AsOf> for String {
    fn from(as_of: AsOf) -> Self {
        as_of.0.to_string()
    }
}

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The input of `preprocess-to-parquet`, and so of the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The sales export.
    pub source: ObjectRef,
    /// Fit or apply.
    #[serde(default)]
    pub mode: Mode,
    /// The run's moment; by default the last kept purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// Publish even if a run with a later as-of is in place.
    #[serde(default)]
    pub force_publish: bool,
    /// Where a run with a later as-of is in place, publish this one as history: readers go on
    /// seeing the later one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fill_history: bool,
    /// How large the run is taken to be, in place of the settings and of its size.
    #[serde(default, skip_serializing_if = "Scale::is_by_size")]
    pub scale: Scale,
}

/// Which path a run takes; by default its size decides. The rows are the same on all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// What reads the export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// In how many shards the customers are scored; 0 for one function that scores them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
}

impl Scale {
    fn is_by_size(&self) -> bool {
        *self == Self::default()
    }

    /// Shards of a run of so many customers, none of them without any; `None` where one function
    /// scores them all.
    pub fn shards(&self, settings: &ScaleSettings, customers: u64) -> Option<u32> {
        let most = u32::try_from(customers).unwrap_or(u32::MAX);
        match self.shards {
            Some(0) => None,
            Some(asked) => Some(asked.min(ScaleSettings::MOST_SHARDS).min(most).max(1)),
            None => settings.shards(customers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_the_end_of_that_day() {
        let as_of: AsOf = "2011-12-09".parse().unwrap();
        assert_eq!(as_of.to_string(), "2011-12-09T23:59:59");
        let as_of: AsOf = "2011-12-09T12:50:00".parse().unwrap();
        assert_eq!(as_of.to_string(), "2011-12-09T12:50:00");
        assert!("yesterday".parse::<AsOf>().is_err());
    }

    #[test]
    fn unknown_keys_in_a_request_are_refused_by_name() {
        let error =
            serde_json::from_str::<Request>(r#"{"source":{"bucket":"b","key":"k"},"moed":"fit"}"#)
                .unwrap_err();
        assert!(error.to_string().contains("moed"), "{error}");
    }
}
