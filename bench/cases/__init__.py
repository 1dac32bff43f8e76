"""The comparisons. Each gives rows, and says itself which of its programs failed."""

from collections.abc import Callable, Iterator

from harness.place import Place
from harness.table import Row

from . import cost, micro, models, preprocess, publish, start, whole

Case = Callable[[Place], Iterator[Row]]

CASES: dict[str, tuple[str, Case]] = {
    "whole": ("Whole runs, cold processes", whole.rows),
    "preprocess": ("Cleaning and features", preprocess.rows),
    "forest": ("Forest", models.forest),
    "umap": ("UMAP", models.umap),
    "kmeans": ("k-means", models.kmeans),
    "silhouette": ("Silhouette, exact", models.silhouette),
    "publish": ("Publishing to Postgres", publish.rows),
    "cost": ("Cost by memory", cost.rows),
    "start": ("Cold start and zips", start.rows),
    "micro": ("Bytes a second", micro.rows),
}
