"""scikit-learn's silhouette of all points.

silhouette.py POINTS.f64 LABELS.u32 REPEAT
"""

import sys
from pathlib import Path

import timing
from raw import read
from sklearn.metrics import silhouette_score


def main() -> None:
    points, labels, repeat = sys.argv[1:]
    clock = timing.Clock()
    clock.lap("import")
    points, labels = read(Path(points), 2), read(Path(labels))
    score = clock.repeat("score", int(repeat), lambda: silhouette_score(points, labels))
    clock.report(score=float(score))


if __name__ == "__main__":
    main()
