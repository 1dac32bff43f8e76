//! Features brought to `0..1`, column by column.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::{
    codec::{Reader, Writer},
    error::ModelError,
};

const FILE: &str = "scaler.safetensors";

/// Maps each column's minimum to 0 and maximum to 1.
///
/// The arithmetic is that of scikit-learn's `MinMaxScaler`, to the last bit:
/// `scale = 1 / (max - min)`, `offset = 0 - min * scale`, `x * scale + offset`; a constant
/// column has scale 1.
#[derive(Debug, Clone, PartialEq)]
pub struct MinMaxScaler {
    scale: Array1<f64>,
    offset: Array1<f64>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    kind: String,
}

impl MinMaxScaler {
    /// Learns the ranges of `x`, shape `(n_customers, n_features)`.
    ///
    /// Fails on no rows and on values that are not finite.
    pub fn fit(x: ArrayView2<f64>) -> Result<Self, ModelError> {
        if x.nrows() == 0 {
            return Err(ModelError::TooFewCustomers { have: 0, need: 1 });
        }
        check_finite(x)?;
        let (scale, offset): (Vec<f64>, Vec<f64>) = x
            .axis_iter(Axis(1))
            .map(|column| {
                let min = column.iter().copied().fold(f64::INFINITY, f64::min);
                let max = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let range = max - min;
                // scikit-learn takes a range below ten units in the last place for none
                let range = if range < 10.0 * f64::EPSILON {
                    1.0
                } else {
                    range
                };
                let scale = 1.0 / range;
                (scale, 0.0 - min * scale)
            })
            .unzip();
        Self::from_parts(scale.into(), offset.into())
    }

    /// A scaler from the `scale_` and `min_` of a scikit-learn one, shape `(n_features,)`.
    pub fn from_parts(scale: Array1<f64>, offset: Array1<f64>) -> Result<Self, ModelError> {
        if scale.len() != offset.len() {
            return Err(ModelError::shape("offset", scale.shape(), offset.shape()));
        }
        if scale.iter().chain(&offset).any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite {
                what: "the scaler's range",
            });
        }
        Ok(Self { scale, offset })
    }

    /// Scales `x`, shape `(n_customers, n_features)`, to the same shape. Values outside of
    /// the range seen in fit land outside of `0..1`.
    pub fn transform(&self, x: ArrayView2<f64>) -> Result<Array2<f64>, ModelError> {
        if x.ncols() != self.scale.len() {
            let expected = [x.nrows(), self.scale.len()];
            return Err(ModelError::shape("features to scale", &expected, x.shape()));
        }
        check_finite(x)?;
        let mut y = x.to_owned();
        for mut row in y.axis_iter_mut(Axis(0)) {
            for ((v, &scale), &offset) in row.iter_mut().zip(&self.scale).zip(&self.offset) {
                *v = *v * scale + offset;
            }
        }
        Ok(y)
    }

    /// `1 / (max - min)` of each feature.
    pub fn scale(&self) -> ArrayView1<'_, f64> {
        self.scale.view()
    }

    /// What is added after scaling, per feature.
    pub fn offset(&self) -> ArrayView1<'_, f64> {
        self.offset.view()
    }

    /// The scaler as safetensors.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let mut writer = Writer::new(FILE);
        let shape = [self.scale.len()];
        writer.array("scale", &shape, self.scale.iter().copied());
        writer.array("offset", &shape, self.offset.iter().copied());
        writer.finish(&Header {
            kind: "min-max".to_owned(),
        })
    }

    /// A scaler from [`to_bytes`](Self::to_bytes); anything else is refused as corrupt.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let reader = Reader::open(FILE, bytes)?;
        let header: Header = reader.header()?;
        if header.kind != "min-max" {
            return Err(reader.corrupt(format!("it holds a {} model", header.kind)));
        }
        let ([n], scale) = reader.axes::<f64, 1>("scale")?;
        let offset = reader.array::<f64>("offset", &[n])?;
        Self::from_parts(scale.into(), offset.into()).map_err(|e| reader.corrupt(e.to_string()))
    }
}

impl<'a> linfa::traits::Transformer<ArrayView2<'a, f64>, Result<Array2<f64>, ModelError>>
    for MinMaxScaler
{
    fn transform(&self, x: ArrayView2<'a, f64>) -> Result<Array2<f64>, ModelError> {
        Self::transform(self, x)
    }
}

fn check_finite(x: ArrayView2<f64>) -> Result<(), ModelError> {
    if x.iter().all(|v| v.is_finite()) {
        Ok(())
    } else {
        Err(ModelError::NotFinite {
            what: "the feature matrix",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn scales_like_scikit_learn() {
        let x = array![[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]];
        let scaler = MinMaxScaler::fit(x.view()).unwrap();
        let y = scaler.transform(x.view()).unwrap();
        assert_eq!(y, array![[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]]);
        let new = scaler.transform(array![[5.0, 6.0]].view()).unwrap();
        assert_eq!(new, array![[2.0, 1.0]]);
    }

    #[test]
    fn rounds_in_the_same_order() {
        // 0.1 and 0.3: (x - min) / range would round differently from x * scale + offset
        let x = array![[0.1], [0.3], [0.7]];
        let y = MinMaxScaler::fit(x.view())
            .unwrap()
            .transform(x.view())
            .unwrap();
        let scale = 1.0 / (0.7 - 0.1);
        assert_eq!(y[[1, 0]], 0.3 * scale + (0.0 - 0.1 * scale));
    }

    #[test]
    fn bytes_round_trip_and_refuse_rubbish() {
        let scaler = MinMaxScaler::fit(array![[1.0, 2.0], [4.0, 9.0]].view()).unwrap();
        let bytes = scaler.to_bytes().unwrap();
        assert_eq!(MinMaxScaler::from_bytes(&bytes).unwrap(), scaler);
        for end in 0..bytes.len() {
            assert!(MinMaxScaler::from_bytes(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn refuses_what_it_cannot_scale() {
        assert!(MinMaxScaler::fit(array![[f64::NAN]].view()).is_err());
        assert!(MinMaxScaler::fit(Array2::zeros((0, 2)).view()).is_err());
        let scaler = MinMaxScaler::fit(array![[1.0, 2.0]].view()).unwrap();
        assert!(scaler.transform(array![[1.0]].view()).is_err());
    }
}
