//! Parameters and customers that an embedding can be made of.

use ndarray::ArrayView2;

use super::{super::error::ModelError, MOST_COMPONENTS, UmapParams};

/// Most passes over the graph.
const MOST_EPOCHS: usize = 1_000_000;

impl UmapParams {
    pub(super) fn check(&self, leaves: ArrayView2<u32>) -> Result<(), ModelError> {
        if leaves.nrows() < 2 {
            return Err(ModelError::TooFewCustomers {
                have: leaves.nrows(),
                need: 2,
            });
        }
        if u32::try_from(leaves.nrows()).is_err() {
            let n = leaves.nrows();
            return Err(ModelError::parameter("customers", n, "must be below 2^32"));
        }
        if leaves.ncols() == 0 {
            return Err(ModelError::shape(
                "leaves",
                &[leaves.nrows(), 1],
                leaves.shape(),
            ));
        }
        if self.n_neighbors < 2 {
            let n = self.n_neighbors;
            return Err(ModelError::parameter(
                "n_neighbors",
                n,
                "must be at least 2",
            ));
        }
        if !(0.0..=1.0).contains(&self.min_dist) {
            return Err(ModelError::parameter(
                "min_dist",
                self.min_dist,
                "must be in 0..=1",
            ));
        }
        if !(1..=MOST_COMPONENTS).contains(&self.n_components) {
            let n = self.n_components;
            return Err(ModelError::parameter(
                "n_components",
                n,
                "must be 1, 2 or 3",
            ));
        }
        match self.epochs {
            Some(epochs) if epochs > MOST_EPOCHS => {
                let why = "must be at most 1,000,000";
                Err(ModelError::parameter("epochs", epochs, why))
            }
            _ => Ok(()),
        }
    }
}
