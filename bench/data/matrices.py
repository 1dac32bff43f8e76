"""The matrices that models are compared on, of the customers of a run.

    matrices.py FEATURES.parquet OUT [--large N]

Raw little-endian arrays, the type in the name: x, y and their split into four fifths to fit
(_old) and the rest (_new); the leaves of scikit-learn's forest; umap-learn's models of the old
ones; points to be clustered, and N of them around the same places.
"""

import argparse
import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import umap
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.preprocessing import MinMaxScaler

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

from raw import write

FEATURES = ["recency_days", "quantity_of_products", "frequency", "returns"]
TARGET = "gross_revenue"
SEED = 42


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--large", type=int, default=1_000_000)
    args = parser.parse_args()
    out = args.out
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)

    table = pd.read_parquet(args.features).sort_values("customer_id", ignore_index=True)
    x = MinMaxScaler().fit_transform(table[FEATURES].astype(float))
    y = MinMaxScaler().fit_transform(table[[TARGET]].astype(float))[:, 0]
    order = rng.permutation(len(x))
    cut = len(x) * 4 // 5
    parts = {"": np.arange(len(x)), "_old": order[:cut], "_new": order[cut:]}

    forest = RandomForestRegressor(n_estimators=100, random_state=SEED, n_jobs=-1)
    leaves = forest.fit(x, y).apply(x)
    for name, rows in parts.items():
        write(out / f"x{name}.f64", x[rows])
        write(out / f"y{name}.f64", y[rows])
        write(out / f"leaves{name}.u32", leaves[rows])

    curves = {}
    for metric in ("euclidean", "hamming"):
        model = umap.UMAP(metric=metric, random_state=SEED).fit(leaves[parts["_old"]])
        joblib.dump(model, out / f"umap-{metric}.joblib")
        write(out / f"umap-{metric}.f32", model.embedding_)
        curves[metric] = {"a": float(model._a), "b": float(model._b)}

    points = umap.UMAP(random_state=SEED).fit(leaves).embedding_.astype(float)
    kmeans = KMeans(n_clusters=11, init="random", n_init=10, random_state=SEED).fit(points)
    write(out / "points.f64", points)
    write(out / "labels.u32", kmeans.labels_)
    drawn = points[rng.integers(len(points), size=args.large)]
    write(
        out / "points-large.f64",
        drawn + rng.normal(scale=points.std(axis=0) / 20, size=drawn.shape),
    )

    sizes = {"customers": len(x), "old": cut, "new": len(x) - cut, "large": args.large}
    (out / "matrices.json").write_text(json.dumps({**sizes, "curves": curves}))


if __name__ == "__main__":
    main()
