//! k-means through linfa's traits.

use linfa::{
    DatasetBase,
    traits::{Fit, Predict},
};
use ndarray::{Array1, ArrayView2};

use super::{KMeans, KMeansParams, ModelError};

impl<'a, T> Fit<ArrayView2<'a, f64>, T, ModelError> for KMeansParams {
    type Object = KMeans;

    fn fit(&self, dataset: &DatasetBase<ArrayView2<'a, f64>, T>) -> Result<KMeans, ModelError> {
        Self::fit(self, dataset.records().view())
    }
}

impl<'a> Predict<ArrayView2<'a, f64>, Result<Array1<u32>, ModelError>> for KMeans {
    fn predict(&self, points: ArrayView2<'a, f64>) -> Result<Array1<u32>, ModelError> {
        Self::predict(self, points)
    }
}
