//! Models as safetensors: named arrays and one JSON header.
//!
//! The header is a single entry of the file's metadata, because several would be written
//! in the order of a hash map and a model's bytes would differ from run to run.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::Range;

use safetensors::tensor::{Dtype, SafeTensors, View, serialize};
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

/// Arrays and a header on their way to bytes. An array's numbers are asked for when it is its turn:
/// a model's bytes are in memory once, and those of one array again.
pub(crate) struct Writer<'a> {
    file: &'static str,
    tensors: Vec<(&'static str, Tensor<'a>)>,
}

/// Puts an array's numbers behind what is there.
type Put<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;

struct Tensor<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    len: usize,
    put: Put<'a>,
    /// Whether it had more or fewer numbers than its shape.
    is_off: Cell<bool>,
}

impl View for &Tensor<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.len);
        (self.put)(&mut bytes);
        if bytes.len() != self.len {
            self.is_off.set(true);
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        self.len
    }
}

impl<'a> Writer<'a> {
    pub(crate) fn new(file: &'static str) -> Self {
        Self {
            file,
            tensors: Vec::new(),
        }
    }

    /// Adds an array of as many `values` as its shape has room for.
    pub(crate) fn array<T: Element>(
        &mut self,
        name: &'static str,
        shape: &[usize],
        values: impl IntoIterator<Item = T, IntoIter: Clone + 'a>,
    ) {
        let values = values.into_iter();
        let tensor = Tensor {
            dtype: T::DTYPE,
            shape: shape.to_vec(),
            len: shape.iter().product::<usize>() * size_of::<T>(),
            put: Box::new(move |bytes| values.clone().for_each(|value| value.put(bytes))),
            is_off: Cell::new(false),
        };
        self.tensors.push((name, tensor));
    }

    pub(crate) fn finish<H: Serialize>(self, header: &H) -> Result<Vec<u8>, ModelError> {
        let corrupt = |why: String| ModelError::Corrupt {
            file: self.file,
            why,
        };
        let header = serde_json::to_string(header).map_err(|e| corrupt(e.to_string()))?;
        let views = self.tensors.iter().map(|(name, tensor)| (*name, tensor));
        let metadata = HashMap::from([(HEADER.to_owned(), header)]);
        let bytes = serialize(views, Some(metadata)).map_err(|e| corrupt(e.to_string()))?;
        match self.tensors.iter().find(|(_, tensor)| tensor.is_off.get()) {
            Some((name, _)) => Err(corrupt(format!("{name} does not fill its shape"))),
            None => Ok(bytes),
        }
    }
}

/// A stored model, with every access checked.
pub(crate) struct Reader<'a> {
    file: &'static str,
    tensors: SafeTensors<'a>,
    header: String,
}

/// Numbers of a stored array, decoded where they are asked for.
pub(crate) struct Stored<'a, T>(&'a [u8], PhantomData<T>);

impl<T: Element> Stored<'_, T> {
    /// Some of them, `None` if there are not so many.
    pub(crate) fn get(&self, range: Range<usize>) -> Option<Vec<T>> {
        let width = size_of::<T>();
        let bytes = range.start.checked_mul(width)?..range.end.checked_mul(width)?;
        self.0.get(bytes).map(T::get)
    }
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

    /// An array of exactly `shape`, left where it is.
    pub(crate) fn stored<T: Element>(
        &self,
        name: &str,
        shape: &[usize],
    ) -> Result<Stored<'a, T>, ModelError> {
        let (found, bytes) = self.tensor::<T>(name)?;
        if found == shape {
            Ok(Stored(bytes, PhantomData))
        } else {
            Err(self.corrupt(format!("{name} has shape {found:?} instead of {shape:?}")))
        }
    }

    /// The shape of an array of `D` axes.
    pub(crate) fn shape<T: Element, const D: usize>(
        &self,
        name: &str,
    ) -> Result<[usize; D], ModelError> {
        let (found, _) = self.tensor::<T>(name)?;
        <[usize; D]>::try_from(found.as_slice())
            .map_err(|_| self.corrupt(format!("{name} has {} axes instead of {D}", found.len())))
    }

    fn any_shape<T: Element>(&self, name: &str) -> Result<(Vec<usize>, Vec<T>), ModelError> {
        let (shape, bytes) = self.tensor::<T>(name)?;
        Ok((shape, T::get(bytes)))
    }

    fn tensor<T: Element>(&self, name: &str) -> Result<(Vec<usize>, &'a [u8]), ModelError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| self.corrupt(format!("{name} is missing")))?;
        if tensor.dtype() != T::DTYPE {
            let found = tensor.dtype();
            return Err(self.corrupt(format!("{name} is {found} instead of {}", T::DTYPE)));
        }
        Ok((tensor.shape().to_vec(), tensor.data()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_that_does_not_fill_its_shape_is_not_written() {
        for numbers in [&[1.0][..], &[1.0, 2.0, 3.0]] {
            let mut writer = Writer::new("some.safetensors");
            writer.array("numbers", &[2], numbers.iter().copied());
            let error = writer.finish(&()).unwrap_err().to_string();
            assert!(error.contains("numbers does not fill its shape"), "{error}");
        }
    }
}
