//! The clusters' bytes.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{
    super::codec::{Reader, Writer},
    KMeans, ModelError,
};

const FILE: &str = "kmeans.safetensors";

#[derive(Serialize, Deserialize)]
struct Header {
    kind: String,
    n_iter: usize,
}

impl KMeans {
    /// The centroids as safetensors; the labels of the fit are not kept.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let mut writer = Writer::new(FILE);
        writer.array(
            "centroids",
            self.centroids.shape(),
            self.centroids.iter().copied(),
        );
        writer.array("inertia", &[1], [self.inertia]);
        writer.finish(&Header {
            kind: "k-means".to_owned(),
            n_iter: self.n_iter,
        })
    }

    /// Clusters from [`to_bytes`](Self::to_bytes); anything else is refused as corrupt.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let reader = Reader::open(FILE, bytes)?;
        let header: Header = reader.header()?;
        if header.kind != "k-means" {
            return Err(reader.corrupt(format!("it holds a {} model", header.kind)));
        }
        let (shape, centroids) = reader.axes::<f64, 2>("centroids")?;
        let inertia = reader.array::<f64>("inertia", &[1])?;
        let inertia = inertia.first().copied().unwrap_or(f64::NAN);
        let centroids = Array2::from_shape_vec(shape, centroids)
            .map_err(|e| reader.corrupt(format!("centroids: {e}")))?;
        Self::from_parts(centroids, inertia, header.n_iter)
            .map_err(|e| reader.corrupt(e.to_string()))
    }
}
