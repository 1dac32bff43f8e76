"""How far neighbours among the points are neighbours among the leaves, ours and theirs.

    trustworthiness.py LEAVES.u32 METRIC OURS.f32 THEIRS.f32

Exit 1 if ours is lower in the third digit.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

from raw import read
from sklearn.manifold import trustworthiness

TREES, NEIGHBOURS = 100, 15


def main() -> None:
    leaves, metric, *embeddings = sys.argv[1:]
    leaves = read(Path(leaves), TREES)
    ours, theirs = (
        trustworthiness(leaves, read(Path(path), 2), n_neighbors=NEIGHBOURS, metric=metric)
        for path in embeddings
    )
    words = f"trustworthiness {ours:.4f} / {theirs:.4f}"
    if round(ours, 3) < round(theirs, 3):
        sys.exit(f"{words}: lower")
    print(words)


if __name__ == "__main__":
    main()
