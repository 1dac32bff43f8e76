//! Models as safetensors: named arrays and one JSON header.
//!
//! The header is a single entry of the file's metadata, because several would be written
//! in the order of a hash map and a model's bytes would differ from run to run.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Serialize, de::DeserializeOwned};

use super::error::ModelError;

const HEADER: &str = "insiders";

/// A number as it is stored: little endian, fixed width.
pub(crate) trait Element: Copy {
    const DTYPE: Dtype;
    fn put(self, bytes: &mut Vec<u8>);
    fn get(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! element {
    ($($number:ty => $dtype:ident),*) => {$(
        impl Element for $number {
            const DTYPE: Dtype = Dtype::$dtype;
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn get(bytes: &[u8]) -> Vec<Self> {
                bytes
                    .chunks_exact(size_of::<Self>())
                    .map(|chunk| Self::from_le_bytes(std::array::from_fn(|i| chunk[i])))
                    .collect()
            }
        }
    )*};
}
element!(f64 => F64, f32 => F32, u64 => U64, u32 => U32, u16 => U16, i16 => I16);

/// Arrays and a header on their way to bytes.
pub(crate) struct Writer {
    file: &'static str,
    tensors: Vec<(&'static str, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Writer {
    pub(crate) fn new(file: &'static str) -> Self {
        Self {
            file,
            tensors: Vec::new(),
        }
    }

    pub(crate) fn array<T: Element>(
        &mut self,
        name: &'static str,
        shape: &[usize],
        values: impl IntoIterator<Item = T>,
    ) {
        let mut bytes = Vec::with_capacity(shape.iter().product::<usize>() * size_of::<T>());
        for value in values {
            value.put(&mut bytes);
        }
        self.tensors.push((name, T::DTYPE, shape.to_vec(), bytes));
    }

    pub(crate) fn finish<H: Serialize>(self, header: &H) -> Result<Vec<u8>, ModelError> {
        let corrupt = |why: String| ModelError::Corrupt {
            file: self.file,
            why,
        };
        let header = serde_json::to_string(header).map_err(|e| corrupt(e.to_string()))?;
        let views = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| corrupt(e.to_string()))?;
        let metadata = HashMap::from([(HEADER.to_owned(), header)]);
        serialize(views, Some(metadata)).map_err(|e| corrupt(e.to_string()))
    }
}

/// A stored model, with every access checked.
pub(crate) struct Reader<'a> {
    file: &'static str,
    tensors: SafeTensors<'a>,
    header: String,
}

impl<'a> Reader<'a> {
    pub(crate) fn open(file: &'static str, bytes: &'a [u8]) -> Result<Self, ModelError> {
        let corrupt = |why: String| ModelError::Corrupt { file, why };
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|e| corrupt(e.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| corrupt(e.to_string()))?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|map| map.get(HEADER))
            .cloned()
            .ok_or_else(|| corrupt("it has no header".to_owned()))?;
        Ok(Self {
            file,
            tensors,
            header,
        })
    }

    pub(crate) fn corrupt(&self, why: impl Into<String>) -> ModelError {
        ModelError::Corrupt {
            file: self.file,
            why: why.into(),
        }
    }

    pub(crate) fn header<H: DeserializeOwned>(&self) -> Result<H, ModelError> {
        serde_json::from_str(&self.header).map_err(|e| self.corrupt(format!("header: {e}")))
    }

    /// An array of exactly `shape`.
    pub(crate) fn array<T: Element>(
        &self,
        name: &str,
        shape: &[usize],
    ) -> Result<Vec<T>, ModelError> {
        let (found, values) = self.any_shape(name)?;
        if found == shape {
            Ok(values)
        } else {
            Err(self.corrupt(format!("{name} has shape {found:?} instead of {shape:?}")))
        }
    }

    /// An array of `D` axes, whatever their lengths.
    pub(crate) fn axes<T: Element, const D: usize>(
        &self,
        name: &str,
    ) -> Result<([usize; D], Vec<T>), ModelError> {
        let (found, values) = self.any_shape(name)?;
        let shape = <[usize; D]>::try_from(found.as_slice())
            .map_err(|_| self.corrupt(format!("{name} has {} axes instead of {D}", found.len())))?;
        Ok((shape, values))
    }

    fn any_shape<T: Element>(&self, name: &str) -> Result<(Vec<usize>, Vec<T>), ModelError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| self.corrupt(format!("{name} is missing")))?;
        if tensor.dtype() != T::DTYPE {
            let found = tensor.dtype();
            return Err(self.corrupt(format!("{name} is {found} instead of {}", T::DTYPE)));
        }
        Ok((tensor.shape().to_vec(), T::get(tensor.data())))
    }
}
