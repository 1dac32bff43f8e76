"""Raw little-endian arrays, as `bench/data/matrices.py` writes them."""

from pathlib import Path

import numpy as np

TYPES = {".f64": "<f8", ".f32": "<f4", ".u32": "<u4"}


def read(path: Path, columns: int | None = None) -> np.ndarray:
    """A matrix of so many columns, or a vector."""
    values = np.fromfile(path, dtype=TYPES[path.suffix])
    return values.reshape(-1, columns) if columns else values


def write(path: Path, array: np.ndarray) -> None:
    np.ascontiguousarray(array).astype(TYPES[path.suffix]).tofile(path)
