"""How far neighbours among the points are neighbours among the leaves, ours and theirs.

    trustworthiness.py fit|transform MATRICES METRIC OURS.f32 THEIRS.f32

A file may hold the points of several seeds, one after the other: the mean counts. Of transform by
hamming also that of umap-learn with neighbours found exactly: nearly all customers are equally
near there, and which of them an approximate search meets first is not the same as which is
first in the table.
"""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

import timing
from raw import read

warnings.filterwarnings("ignore")

import joblib
import numpy as np
import umap_learn
from sklearn.manifold import trustworthiness

TREES, NEIGHBOURS = 100, 15


def main() -> None:
    step, folder, metric, ours, theirs = sys.argv[1:]
    folder = Path(folder)
    leaves = read(folder / f"leaves_{'new' if step == 'transform' else 'old'}.u32", TREES)

    def mean(points: np.ndarray) -> float:
        layouts = points.reshape(-1, len(leaves), 2)
        of = [trustworthiness(leaves, p, n_neighbors=NEIGHBOURS, metric=metric) for p in layouts]
        return float(np.mean(of))

    facts = {"ours": mean(read(Path(ours), 2)), "theirs": mean(read(Path(theirs), 2))}
    if step == "transform" and metric == "hamming":
        facts["exact"] = mean(exactly(folder, leaves))
    timing.Clock().report(**facts)


def exactly(folder: Path, new: np.ndarray) -> np.ndarray:
    """umap-learn's points if its search found the nearest customers, the first of equals."""
    old = read(folder / "leaves_old.u32", TREES)
    distances = np.stack([(old != row).mean(axis=1) for row in new])
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]
    model = joblib.load(folder / "umap-hamming.joblib")

    class Exact:
        _angular_trees = False

        def query(self, *_args: object, **_words: object) -> tuple[np.ndarray, np.ndarray]:
            near = np.take_along_axis(distances, nearest, axis=1)
            return nearest.astype(np.int32), near.astype(np.float32)

    model._knn_search_index = Exact()
    return umap_learn.of_seeds(model, new)


if __name__ == "__main__":
    main()
