//! `report.html`: a run on one self-contained page.
//!
//! [`Report::of`] draws up what the page says, one JSON document without a customer's id;
//! [`render`] puts it into the page. Its fields are told in docs/REPORT.md.

mod cards;
mod distributions;
mod document;
mod flow;
mod page;
mod points;
mod quality;
mod sample;
mod value;

pub use cards::{Card, Change, Means};
pub use distributions::{Distribution, Scale};
pub use document::{Headline, Inputs, Insiders, Model, Report, RunPanel};
pub use flow::{FlowPanel, Node};
pub use page::render;
pub use points::{MOST_POINTS, Points};
pub use quality::{DataQuality, Defect, Defects};
pub use value::{Rule, Value, ValuePanel};

#[cfg(test)]
mod tests;
