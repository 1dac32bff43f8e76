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

pub use cards::{Card, Change, Means, Rule};
pub use distributions::{Distribution, Scale};
pub use document::{Headline, Inputs, Insiders, Model, Report, RunPanel};
pub use flow::{FlowPanel, Node};
pub use page::render;
pub use points::{Logarithmic, MOST_POINTS, Points};
pub use quality::{Column, Count, DataQuality, Defect, Defects, ReasonCount};
pub use value::{Clv, Value, ValuePanel};

#[cfg(test)]
mod tests;
