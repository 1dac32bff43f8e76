//! What the page says, from the artifacts of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cards::{self, Card, Means};
use super::distributions::{self, Distribution};
use super::flow::FlowPanel;
use super::points::Points;
use super::quality::{DataQuality, Defects};
use super::value::{Value, ValuePanel};
use crate::Result;
use crate::bundle::BundleManifest;
use crate::contracts::{Manifest, ModelAction, Promotion, Quality, StageReport};
use crate::evaluation::Drift;
use crate::segments::Profile;
use crate::tables::SegmentRows;

/// The artifacts that a report is drawn up from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// `manifest.json`.
    pub manifest: &'a Manifest,
    /// `profile.json`.
    pub profile: &'a Profile,
    /// `segments.parquet`.
    pub rows: &'a SegmentRows,
    /// `quality.json`.
    pub quality: &'a serde_json::Value,
    /// Samples of `quarantine.parquet`.
    pub defects: &'a Defects,
    /// The models that placed the customers, where they are still kept.
    pub model: Option<&'a BundleManifest>,
    /// The profile of the run before, where it is still kept.
    pub before: Option<&'a Profile>,
    /// RFM groups and lifetime values, where they were computed.
    pub value: Option<Value<'a>>,
}

/// The page's document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of this format.
    pub schema_version: u32,
    /// What was run.
    pub run: RunPanel,
    /// The figures of the head of the page.
    pub headline: Headline,
    /// Means over all customers.
    pub overall: Means,
    /// The segments, the highest mean revenue first.
    pub segments: Vec<Card>,
    /// The map of the customers.
    pub points: Points,
    /// Histograms of the features.
    pub distributions: Vec<Distribution>,
    /// Who moved since the run before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowPanel>,
    /// From rows to customers.
    pub quality: DataQuality,
    /// The models and how good they are.
    pub model: Model,
    /// RFM groups and lifetime values beside the segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ValuePanel>,
}

/// What was run, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPanel {
    /// The run.
    pub run_id: String,
    /// Its moment.
    pub as_of: String,
    /// Key of the upload, or of the last one.
    pub source: String,
    /// Its bytes.
    pub source_bytes: u64,
    /// Version of the programs.
    pub program_version: String,
    /// Guests among the customers.
    pub guests: u64,
    /// What each stage took.
    pub stages: Vec<StageReport>,
}

/// The head of the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// Customers.
    pub customers: u64,
    /// Sum of their gross revenue.
    pub revenue: f64,
    /// The segment of the highest mean revenue; absent where there is no customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insiders: Option<Insiders>,
}

/// The first segment's part of the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Insiders {
    /// Its name.
    pub name: String,
    /// Its share of the customers.
    pub customers_share: f64,
    /// Its share of the revenue.
    pub revenue_share: f64,
}

/// The models and how good they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// The version.
    pub version: String,
    /// Whether this run fitted it or applied it.
    pub action: ModelAction,
    /// Key of the upload that it was fitted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fitted_to: Option<String>,
    /// Customers that it was fitted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_customers: Option<u64>,
    /// Figures at the time of the fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_at_fit: Option<Quality>,
    /// Figures of this run.
    pub quality: Quality,
    /// What became of a fit, with its gates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// How far the customers are from those that it was fitted to.
    pub drift: Vec<Drift>,
}

impl Report {
    /// The format's version.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Draws up the report of a run.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) for a `quality.json` that is none.
    pub fn of(inputs: &Inputs<'_>) -> Result<Self> {
        let Inputs {
            manifest,
            profile,
            rows,
            ..
        } = *inputs;
        let run = &manifest.run;
        let places = places(profile, rows);
        let revenue = rows.features.gross_revenue.iter().sum();
        let migrations = manifest.migrations.as_ref();
        let insiders = profile.segments.first().map(|first| Insiders {
            name: first.segment.clone(),
            customers_share: first.share,
            revenue_share: first.revenue_share,
        });
        Ok(Self {
            schema_version: Self::SCHEMA_VERSION,
            run: RunPanel {
                run_id: run.run_id.clone(),
                as_of: manifest.effective_as_of.to_string(),
                source: run.source.key.clone(),
                source_bytes: run.source.size,
                program_version: manifest.program_version.clone(),
                guests: manifest.counts.guests,
                stages: manifest.stages.clone(),
            },
            headline: Headline {
                customers: manifest.customers,
                revenue,
                insiders,
            },
            overall: Means::of(&rows.features, |_| true),
            segments: cards::of(inputs, &places),
            points: Points::of(rows, &places, profile.segments.len()),
            distributions: distributions::of(&rows.features, &places, profile.segments.len()),
            flow: migrations.map(|found| FlowPanel::of(found, profile, inputs.before)),
            quality: DataQuality::of(manifest, inputs.quality, inputs.defects)?,
            model: Model {
                version: run.model_version.clone(),
                action: run.action,
                fitted_to: inputs.model.map(|model| model.source.key.clone()),
                training_customers: inputs.model.map(|model| model.training_customers),
                quality_at_fit: inputs.model.map(|model| model.quality.clone()),
                quality: manifest.quality.clone(),
                promotion: manifest.promotion.clone(),
                drift: manifest.drift.clone(),
            },
            value: inputs
                .value
                .map(|value| ValuePanel::of(value, &places, profile.segments.len())),
        })
    }
}

/// By customer, the place of their segment in the profile.
fn places(profile: &Profile, rows: &SegmentRows) -> Vec<usize> {
    let known: BTreeMap<i64, usize> = profile
        .segments
        .iter()
        .zip(0..)
        .map(|(segment, place)| (i64::from(segment.label), place))
        .collect();
    let labels = rows.label.iter();
    // A label that the profile does not know has no place, and is counted nowhere.
    labels
        .map(|&label| known.get(&i64::from(label)).copied().unwrap_or(usize::MAX))
        .collect()
}
