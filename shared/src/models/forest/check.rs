//! Parameters and customers that a forest can be grown on.

use ndarray::{ArrayView1, ArrayView2};

use super::{super::error::ModelError, ForestParams, Splitter, tree::MOST_FEATURES};

pub(super) fn check(
    params: &ForestParams,
    x: ArrayView2<f64>,
    y: ArrayView1<f64>,
) -> Result<(), ModelError> {
    let (n, n_features) = x.dim();
    if y.len() != n {
        return Err(ModelError::shape("targets of the forest", &[n], y.shape()));
    }
    if n == 0 {
        return Err(ModelError::TooFewCustomers { have: 0, need: 1 });
    }
    if u32::try_from(n).is_err() {
        return Err(ModelError::parameter(
            "customers",
            n,
            "must be below 2^32: fit on a sample",
        ));
    }
    if !(1..=MOST_FEATURES).contains(&n_features) {
        return Err(ModelError::parameter(
            "features",
            n_features,
            "must be in 1..=255",
        ));
    }
    if params.trees == 0 {
        return Err(ModelError::parameter("trees", 0, "must be at least 1"));
    }
    if params.most_rows == Some(0) {
        return Err(ModelError::parameter("most_rows", 0, "must be at least 1"));
    }
    if params.min_samples_leaf == 0 {
        return Err(ModelError::parameter(
            "min_samples_leaf",
            0,
            "must be at least 1",
        ));
    }
    if let Splitter::Random {
        breaks,
        break_share,
    } = &params.splitter
    {
        check_breaks(breaks, *break_share, n_features)?;
    }
    // the error of a node is a difference of sums of squares, which must not overflow
    if y.iter().any(|v| !v.is_finite() || v.abs() > 1e150) {
        return Err(ModelError::NotFinite {
            what: "the square of the target",
        });
    }
    Ok(())
}

fn check_breaks(breaks: &[Vec<f64>], share: f64, n_features: usize) -> Result<(), ModelError> {
    if !(0.0..=1.0).contains(&share) {
        return Err(ModelError::parameter(
            "break_share",
            share,
            "must be in 0..=1",
        ));
    }
    if breaks.len() > n_features {
        let n = breaks.len();
        return Err(ModelError::parameter(
            "breaks",
            n,
            "must not be more than the features",
        ));
    }
    let ascending = |of: &Vec<f64>| of.is_sorted() && of.iter().all(|b| b.is_finite());
    if !breaks.iter().all(ascending) {
        return Err(ModelError::parameter(
            "breaks",
            "of a feature",
            "must be finite and ascend",
        ));
    }
    Ok(())
}
