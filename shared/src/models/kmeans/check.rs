//! Parameters and points that clusters can be made of.

use ndarray::ArrayView2;

use super::{super::error::ModelError, KMeansParams};

impl KMeansParams {
    pub(super) fn check(&self, points: ArrayView2<f64>) -> Result<(), ModelError> {
        if self.k == 0 || u32::try_from(self.k).is_err() {
            return Err(ModelError::parameter("k", self.k, "must be at least 1"));
        }
        if self.n_init == 0 {
            return Err(ModelError::parameter("n_init", 0, "must be at least 1"));
        }
        if self.max_iter == 0 {
            return Err(ModelError::parameter("max_iter", 0, "must be at least 1"));
        }
        if !(self.tol.is_finite() && self.tol >= 0.0) {
            return Err(ModelError::parameter("tol", self.tol, "must be 0 or more"));
        }
        if points.ncols() == 0 {
            return Err(ModelError::shape(
                "points",
                &[points.nrows(), 2],
                points.shape(),
            ));
        }
        if points.nrows() < self.k {
            return Err(ModelError::TooFewCustomers {
                have: points.nrows(),
                need: self.k,
            });
        }
        if u32::try_from(points.nrows()).is_err() {
            let n = points.nrows();
            return Err(ModelError::parameter("customers", n, "must be below 2^32"));
        }
        check_finite(points)
    }
}

pub(super) fn check_finite(points: ArrayView2<f64>) -> Result<(), ModelError> {
    // squared distances must not overflow
    if points.iter().all(|v| v.abs() < 1e150) {
        Ok(())
    } else {
        Err(ModelError::NotFinite {
            what: "the square of the points",
        })
    }
}
