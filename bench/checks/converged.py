"""Whether labels are a clustering that one more step of Lloyd's hardly betters, ours and theirs.

    converged.py POINTS.f64 OURS.u32 THEIRS.u32

Neither is the better for its inertia alone: restarts find what their seed leads to.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

import numpy as np
from raw import read
from sklearn.metrics import pairwise_distances_argmin

# Both stop where centroids move by 1e-4 of the variance.
TOLERANCE = 1e-3


def means(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.array([points[labels == label].mean(axis=0) for label in np.unique(labels)])


def inertia(points: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> float:
    return float(((points - centroids[labels]) ** 2).sum())


def main() -> None:
    path, *both = (Path(word) for word in sys.argv[1:])
    points = read(path, 2)
    for whose, labels in zip(("ours", "theirs"), map(read, both), strict=True):
        labels = np.unique(labels, return_inverse=True)[1]
        centroids = means(points, labels)
        before = inertia(points, centroids, labels)
        after = pairwise_distances_argmin(points, centroids)
        better = 1 - inertia(points, means(points, after), after) / before
        if better > TOLERANCE:
            sys.exit(f"one more step betters {whose} by {better:.2%}")
    print("both converged")


if __name__ == "__main__":
    main()
