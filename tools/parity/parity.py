"""Parity with scikit-learn and umap-learn: one table, exit 1 if a goal is missed.

Run by tools/parity/run. Real data come from `insiders run`'s own features.parquet, given as
PARITY_FEATURES; otherwise from a generated shop.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import numpy as np
import pandas as pd
import umap
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs, make_swiss_roll
from sklearn.ensemble import RandomForestRegressor
from sklearn.manifold import trustworthiness
from sklearn.metrics import pairwise_distances, r2_score, silhouette_score
from sklearn.preprocessing import MinMaxScaler

import export_models
from export_models import FEATURES, TARGET

BINARY = os.environ["PARITY_BINARY"]
TMP = pathlib.Path(tempfile.mkdtemp(prefix="parity-"))
missed = 0


def row(check, ours, reference, goal, met):
    """One line of the table; a goal of '' only informs."""
    global missed
    missed += not met
    verdict = "" if not goal else "ok" if met else "MISSED"
    print(f"{check:<58} {ours:>14} {reference:>14} {goal:>12} {verdict}", flush=True)


def rust(verb, arrays, *arguments):
    """Calls the Rust side."""
    source, target = TMP / "in.safetensors", TMP / "out.safetensors"
    export_models.write(source, **{k: np.asarray(v, dtype=np.float64) for k, v in arrays.items()})
    subprocess.run([BINARY, verb, source, target, *map(str, arguments)], check=True)
    raw = target.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    import json

    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    body = raw[8 + length :]
    return {
        name: np.frombuffer(body[slice(*t["data_offsets"])], "<f8").reshape(t["shape"])
        for name, t in header.items()
    }


def data():
    frame = pd.read_parquet(os.environ["PARITY_FEATURES"])
    return frame[FEATURES].astype(float).to_numpy(), frame[TARGET].astype(float).to_numpy()


def scalers_of(x, y):
    made = {f: MinMaxScaler().fit(x[:, [i]]) for i, f in enumerate(FEATURES)}
    return made | {TARGET: MinMaxScaler().fit(y[:, None])}


class Stub:
    """Enough of a reducer to export a forest by itself."""

    metric, _n_neighbors, min_dist, _a, _b, transform_seed = "hamming", 2, 0.1, 1.577, 0.895, 42

    def __init__(self, leaves):
        self._raw_data = leaves[:3]
        self.embedding_ = np.arange(6, dtype=np.float32).reshape(3, 2)


def at_thresholds(forest, x, random):
    """Rows whose features are thresholds of the forest, and the floats beside them."""
    rows = np.repeat(x[random.integers(0, len(x), 3000)], 3, axis=0)
    trees = [e.tree_ for e in forest.estimators_]
    for i in range(0, len(rows), 3):
        tree = trees[random.integers(len(trees))]
        inner = np.flatnonzero(tree.feature >= 0)
        if len(inner) == 0:
            continue
        node = inner[random.integers(len(inner))]
        at = tree.threshold[node]
        near = np.float32(at)
        values = [at, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))]
        rows[i : i + 3, tree.feature[node]] = values
    return rows


def forests(scaled, target, x, y):
    random = np.random.default_rng(1)
    for options in (
        dict(n_estimators=100),
        dict(n_estimators=30, max_depth=6),
        dict(n_estimators=30, min_samples_leaf=5),
        dict(n_estimators=10, bootstrap=False),
        dict(n_estimators=30, max_features=2),
        dict(n_estimators=30, max_depth=9, min_samples_leaf=3, max_features=0.5, bootstrap=False),
    ):
        forest = RandomForestRegressor(random_state=42, **options).fit(scaled, target)
        folder = TMP / "forest"
        export_models.export(folder, scalers_of(x, y), forest, Stub(forest.apply(scaled)))
        inputs = {
            "real": scaled,
            "random": random.uniform(-0.2, 1.2, (5000, 4)),
            "threshold": at_thresholds(forest, scaled, random),
        }
        wrong = total = 0
        for rows in inputs.values():
            expected = forest.apply(rows)
            wrong += int((rust("apply", {"scaled": rows}, folder)["leaves"] != expected).sum())
            total += expected.size
        name = "forest import, " + " ".join(f"{k[:8]}={v}" for k, v in options.items())
        row(name[:58], f"{wrong} wrong", f"{total} ids", "0", wrong == 0)
    if len(x) > 0:
        raw = rust("apply", {"x": x}, folder)
        worst = np.abs(raw["scaled"] - scaled).max()
        row("scaler import, largest difference", f"{worst:.1e}", "", "1e-9", worst <= 1e-9)


def own_forest(scaled, target):
    """Our fit is another sample of the same estimator: like in figures, not in bits."""
    train = np.arange(len(scaled)) % 5 != 0
    ours = rust(
        "fit-forest",
        {"x": scaled[train], "y": target[train], "new": scaled[~train]},
        "trees=100",
    )
    peer = RandomForestRegressor(random_state=42).fit(scaled[train], target[train])
    r2 = r2_score(target[~train], ours["predicted"]), r2_score(target[~train], peer.predict(scaled[~train]))
    seeds = [
        r2_score(target[~train], RandomForestRegressor(random_state=s, n_estimators=100).fit(
            scaled[train], target[train]).predict(scaled[~train])) for s in range(3)
    ]
    low = min([*seeds, r2[1]]) - 2 * np.std([*seeds, r2[1]]) - 0.01
    row("forest fit, R2 on held-out customers", f"{r2[0]:.4f}", f"{r2[1]:.4f}", f">={low:.3f}", r2[0] >= low)
    nodes = ours["nodes"].mean(), np.mean([e.tree_.node_count for e in peer.estimators_])
    row("forest fit, mean nodes a tree", f"{nodes[0]:.0f}", f"{nodes[1]:.0f}", "2%", abs(nodes[0] / nodes[1] - 1) <= 0.02)


def measures(x, y, points):
    kmeans = KMeans(11, n_init=10, random_state=42).fit(points)
    labels = kmeans.labels_
    ours = rust("measure", {"x": x, "revenue": y, "points": points,
                            "labels": labels, "centroids": kmeans.cluster_centers_})
    close = lambda a, b: float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b))))
    frame = pd.DataFrame(x, columns=FEATURES).assign(revenue=y, label=labels).groupby("label")
    profile = frame.agg(n=("revenue", "count"), revenue=("revenue", "mean"), f=("frequency", "mean"),
                        r=("returns", "mean"), d=("recency_days", "mean")).to_numpy(float)
    inertia = ((points - kmeans.cluster_centers_[labels]) ** 2).sum()
    for name, a, b in (
        ("scaler fit", ours["scaled"], MinMaxScaler().fit_transform(x)),
        ("inertia", ours["inertia"], inertia),
        ("silhouette", ours["silhouette"], silhouette_score(points, labels)),
        ("profile", ours["profile"], profile),
    ):
        worst = close(a, b)
        row(f"{name}, largest relative difference", f"{worst:.1e}", "", "1e-9", worst <= 1e-9)


def trust(leaves, points, metric):
    return trustworthiness(leaves, points, n_neighbors=15, metric=metric)


def fits(name, leaves, metric):
    leaves = np.asarray(leaves, dtype=np.float32)
    peer = umap.UMAP(metric=metric, random_state=42, n_jobs=1).fit(leaves)
    ours = rust("fit-umap", {"leaves": leaves}, f"metric={metric}")["embedding"]
    a, b = trust(leaves, ours, metric), trust(leaves, peer.embedding_, metric)
    row(f"UMAP fit, {name}, {metric}: trustworthiness", f"{a:.4f}", f"{b:.4f}", ">= -0.002", a >= b - 0.002)


class Exact:
    """True nearest neighbours, of equally near ones the first, in place of umap-learn's
    approximate search: that one's misses and its choice among ties change from batch to batch."""

    _angular_trees = False

    def __init__(self, train, metric):
        self.train, self.metric = train.astype(np.float64), metric

    def query(self, rows, k, epsilon=None):
        distances = pairwise_distances(rows.astype(np.float64), self.train, metric=self.metric)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return nearest.astype(np.int32), np.take_along_axis(distances, nearest, 1).astype(np.float32)


def transforms(leaves, forest, x, y, metric, new):
    """An imported model against umap-learn's own transform of customers it has not seen."""
    leaves = np.asarray(leaves, dtype=np.float32)
    train, held_out = leaves[~new], leaves[new]
    reducer = umap.UMAP(metric=metric, random_state=42, n_jobs=1).fit(train)
    kmeans = KMeans(11, init="random", n_init=300, random_state=42).fit(reducer.embedding_)
    folder = TMP / f"umap-{metric}"
    export_models.export(folder, scalers_of(x, y), forest, reducer, kmeans)
    ours = rust("transform", {"new": held_out}, folder)["points"]
    label = lambda p: kmeans.predict(np.asarray(p, dtype=reducer.embedding_.dtype))
    agreement = lambda p, q: float((label(p) == label(q)).mean())
    same = lambda p, q: float((np.linalg.norm(p - q, axis=1) < 1e-3).mean())
    theirs = reducer.transform(held_out)
    name = f"UMAP transform, {metric}, {len(train)} fitted"
    stack = lambda p: trust(np.vstack([train, held_out]), np.vstack([reducer.embedding_, p]), metric)
    a, b = stack(ours), stack(theirs)
    row(f"{name}: trustworthiness", f"{a:.4f}", f"{b:.4f}", ">= -0.002", a >= b - 0.002)
    if reducer._small_data and metric == "euclidean":
        agree = agreement(ours, theirs)
        row("  labels that agree", f"{agree:.4%}", "", ">=99.9%", agree >= 0.999)
        row("  points that are the same", f"{same(ours, theirs):.1%}", "", "", True)
        return
    half = len(held_out) // 2
    batches = np.vstack([reducer.transform(held_out[:half]), reducer.transform(held_out[half:])])
    found, _ = reducer._knn_search_index.query(held_out, reducer._n_neighbors, epsilon=0.12)
    exact = Exact(train, metric)
    nearest, _ = exact.query(held_out, reducer._n_neighbors)
    known = (found == nearest).all(axis=1)
    k = reducer._n_neighbors
    _, further = exact.query(held_out, k + 1)
    tied = (further[:, k - 1] == further[:, k]).mean()
    reducer._knn_search_index = exact
    true = reducer.transform(held_out)
    agree = agreement(ours, true)
    row("  labels that agree, its neighbours exact", f"{agree:.4%}", "", ">=99.9%", agree >= 0.999)
    row("  points that are the same, its neighbours exact", f"{same(ours, true):.1%}", "", "", True)
    row("  labels that agree, its own search", f"{agreement(ours, theirs):.4%}", "", "", True)
    row("    umap-learn with itself: exact or own search", "", f"{agreement(true, theirs):.4%}", "", True)
    row("    umap-learn with itself: in two batches", "", f"{agreement(batches, theirs):.4%}", "", True)
    row("    rows with a tie at the last neighbour", "", f"{tied:.1%}", "", True)
    row("    rows whose neighbours its search found in order", "", f"{known.mean():.1%}", "", True)
    if known.any():
        agree = agreement(ours[known], theirs[known])
        row("    labels that agree in those rows", f"{agree:.4%}", "", ">=99.9%", agree >= 0.999)


def main():
    x, y = data()
    scaled = MinMaxScaler().fit_transform(x)
    target = MinMaxScaler().fit_transform(y[:, None])[:, 0]
    print(f"{len(x)} customers")
    print(f"{'check':<58} {'ours':>14} {'reference':>14} {'goal':>12}")
    forests(scaled, target, x, y)
    own_forest(scaled, target)
    forest = RandomForestRegressor(random_state=42).fit(scaled, target)
    leaves = forest.apply(scaled)
    random = np.random.default_rng(3)
    measures(x, y, random.normal(size=(len(x), 2)) * [3, 1] + random.integers(0, 4, (len(x), 1)) * 5)
    fifth = np.arange(len(leaves)) % 5 == 0
    for metric in ("euclidean", "hamming"):
        transforms(leaves, forest, x, y, metric, fifth)
    # few enough to fit for umap-learn to search exactly by itself
    rest = np.arange(len(leaves)) >= 4000
    transforms(leaves, forest, x, y, "euclidean", random.permutation(rest))
    for metric in ("euclidean", "hamming"):
        fits("real leaves", leaves, metric)
    whole = lambda a: np.round((a - a.min()) * 1000 / np.ptp(a))
    fits("digits", load_digits().data, "euclidean")
    fits("digits", load_digits().data, "hamming")
    blobs = whole(make_blobs(2000, 10, centers=8, random_state=1)[0])
    fits("blobs", blobs, "euclidean")
    fits("blobs in tens", blobs // 100, "hamming")
    fits("swiss roll", whole(make_swiss_roll(2000, random_state=1)[0]), "euclidean")
    print(f"{missed} goals missed" if missed else "every goal met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
