"""Whether labels are a clustering as good as the other's, by our own sum over the points.

    inertia.py POINTS.f64 OURS.u32 THEIRS.u32

Exit 1 if ours is higher.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

import numpy as np
from raw import read

# Sums round differently; k-means that ends an iteration earlier differs by more.
TOLERANCE = 1e-6


def inertia(points: np.ndarray, labels: np.ndarray) -> float:
    """Squared distances to the mean of each cluster."""
    total = 0.0
    for label in np.unique(labels):
        cluster = points[labels == label]
        total += float(((cluster - cluster.mean(axis=0)) ** 2).sum())
    return total


def main() -> None:
    points, ours, theirs = (Path(word) for word in sys.argv[1:])
    points = read(points, 2)
    ours, theirs = inertia(points, read(ours)), inertia(points, read(theirs))
    words = f"inertia {ours:,.2f} / {theirs:,.2f}"
    if ours > theirs * (1 + TOLERANCE):
        sys.exit(f"{words}: higher")
    print(words)


if __name__ == "__main__":
    main()
