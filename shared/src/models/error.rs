//! What can go wrong in a model.

use crate::error::plain;

/// The one error type of the models.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There are fewer customers than the model needs.
    #[error(
        "{have} customers are too few, at least {need} are needed: give more data or lower the parameter that asks for them"
    )]
    TooFewCustomers {
        /// Customers in the input.
        have: usize,
        /// Customers that the model needs.
        need: usize,
    },
    /// An array has another shape than the model was fitted with.
    #[error(
        "{what}: expected {expected}, found {found}: give the arrays the model was fitted with"
    )]
    Shape {
        /// The array.
        what: &'static str,
        /// Its shape as the model knows it.
        expected: String,
        /// Its shape as it is.
        found: String,
    },
    /// An array holds NaN or an infinity.
    #[error(
        "{what} holds a value that is not a finite number: remove or fill it before the model sees it"
    )]
    NotFinite {
        /// The array.
        what: &'static str,
    },
    /// A parameter is outside of what the model can do.
    #[error("parameter {name} = {value}: {why}")]
    Parameter {
        /// The parameter's name as in the API.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it has to be.
        why: &'static str,
    },
    /// A stored model does not hold what it should.
    #[error("{file} is not a usable model: {}: restore the file from its bundle or fit again", plain(.why))]
    Corrupt {
        /// The part of the bundle.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An error of linfa's own, when a model is used through linfa's traits.
    #[error("linfa refused the data set: {0}")]
    Linfa(#[from] linfa::Error),
}

impl ModelError {
    pub(crate) fn shape(what: &'static str, expected: &[usize], found: &[usize]) -> Self {
        Self::Shape {
            what,
            expected: format!("{expected:?}"),
            found: format!("{found:?}"),
        }
    }

    pub(super) fn parameter(
        name: &'static str,
        value: impl std::fmt::Display,
        why: &'static str,
    ) -> Self {
        Self::Parameter {
            name,
            value: value.to_string(),
            why,
        }
    }
}
