//! How true the rules of the segments are, beside what plain RFM cuts reach.

use serde::Serialize;
use shared::Result;
use shared::evaluation::{best_rfm_boxes, quintiles};
use shared::features::Features;
use shared::segments::Segment;
use shared::segments::rules::{MeasuredRule, Rule, weighted_mean};

use crate::apply::Models;
use crate::ruled::rules;

/// Rules of all segments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Mean F1, weighted by the customers of the segments.
    pub mean_f1: f64,
    /// The same of the best boxes of RFM quintiles.
    pub rfm_mean_f1: f64,
    /// By segment.
    pub segments: Vec<ExplainedSegment>,
}

/// One segment's rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedSegment {
    /// Its name.
    pub segment: String,
    /// Its rule and how true it is.
    #[serde(flatten)]
    pub rule: MeasuredRule,
    /// The box of RFM quintiles that agrees best with it.
    pub rfm: String,
    /// Share of the box's customers that are in the segment.
    pub rfm_precision: f64,
    /// Share of the segment's customers that are in the box.
    pub rfm_recall: f64,
    /// Harmonic mean of the two.
    pub rfm_f1: f64,
}

/// The rules `stored` with the models, or new ones, on customers of whom `labels` are the
/// positions of their segments.
pub(crate) fn explained(
    models: Models,
    stored: &[Rule],
    features: &Features,
    labels: &[u32],
    segments: &[Segment],
    seed: u64,
) -> Result<Explained> {
    let (_, measured) = rules(models, stored, features, labels, seed)?;
    let recent: Vec<f64> = features.recency_days.iter().map(|&d| -(d as f64)).collect();
    let purchases = features.value.purchases.iter();
    let purchases: Vec<f64> = purchases.map(|&n| n as f64).collect();
    let scores = [
        quintiles(&recent),
        quintiles(&purchases),
        quintiles(&features.gross_revenue),
    ];
    let [r, f, m] = &scores;
    let boxes = best_rfm_boxes([r, f, m], labels, segments.len());
    let f1: Vec<f64> = boxes.iter().map(|(_, figures)| figures.f1).collect();
    let all = segments.iter().zip(measured.rules).zip(&boxes);
    let all = all.filter(|((_, rule), _)| !rule.rule_conditions.any_of.is_empty());
    Ok(Explained {
        mean_f1: measured.mean_f1,
        rfm_mean_f1: weighted_mean(&f1, ndarray::aview1(labels)),
        segments: all
            .map(|((segment, rule), (rfm, figures))| ExplainedSegment {
                segment: segment.name.clone(),
                rule,
                rfm: rfm.text(),
                rfm_precision: figures.precision,
                rfm_recall: figures.recall,
                rfm_f1: figures.f1,
            })
            .collect(),
    })
}
