//! Raw little-endian arrays.

use std::path::Path;

use ndarray::{Array1, Array2};

use crate::Result;

pub(crate) fn f64s(path: impl AsRef<Path>) -> Result<Array1<f64>> {
    let bytes = read(path.as_ref())?;
    let (chunks, _) = bytes.as_chunks::<8>();
    Ok(chunks.iter().map(|c| f64::from_le_bytes(*c)).collect())
}

pub(crate) fn u32s(path: impl AsRef<Path>) -> Result<Array1<u32>> {
    let bytes = read(path.as_ref())?;
    let (chunks, _) = bytes.as_chunks::<4>();
    Ok(chunks.iter().map(|c| u32::from_le_bytes(*c)).collect())
}

pub(crate) fn f32s(path: impl AsRef<Path>) -> Result<Array1<f32>> {
    let bytes = read(path.as_ref())?;
    let (chunks, _) = bytes.as_chunks::<4>();
    Ok(chunks.iter().map(|c| f32::from_le_bytes(*c)).collect())
}

/// The same values in rows of so many.
pub(crate) fn matrix<T>(values: Array1<T>, columns: usize) -> Result<Array2<T>> {
    let rows = values.len() / columns;
    Ok(Array2::from_shape_vec(
        (rows, columns),
        values.into_raw_vec_and_offset().0,
    )?)
}

pub(crate) fn write<const N: usize>(
    path: &str,
    values: impl Iterator<Item = [u8; N]>,
) -> Result<()> {
    let bytes: Vec<u8> = values.flatten().collect();
    std::fs::write(path, bytes).map_err(|e| format!("{path}: {e}").into())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()).into())
}
