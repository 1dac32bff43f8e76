"""umap-learn, seeded: fit on the old customers' leaves, or transform of the new ones'.

umap_learn.py fit|transform MATRICES METRIC REPEAT OUT

OUT gets the points; of transform those of several seeds, of which the first is timed.
"""

import sys
import warnings
from pathlib import Path

import timing

warnings.filterwarnings("ignore")

import joblib
import numpy as np
import umap
from raw import read, write

TREES, SEED, SEEDS = 100, 42, 8


def of_seeds(model: umap.UMAP, new: np.ndarray) -> np.ndarray:
    """The new customers' points of each seed, one layout after the other."""
    layouts = []
    for seed in range(SEED, SEED + SEEDS):
        model.transform_seed = seed
        layouts.append(model.transform(new))
    return np.concatenate(layouts)


def main() -> None:
    verb, folder, metric, repeat, out = sys.argv[1:]
    folder = Path(folder)
    clock = timing.Clock()
    clock.lap("import")
    if verb == "fit":
        old = read(folder / "leaves_old.u32", TREES)
        fitted = clock.repeat(
            "fit", int(repeat), lambda: umap.UMAP(metric=metric, random_state=SEED).fit(old)
        )
        points = fitted.embedding_
    else:
        new = read(folder / "leaves_new.u32", TREES)
        model = joblib.load(folder / f"umap-{metric}.joblib")
        clock.repeat("transform", int(repeat), lambda: model.transform(new))
        points = of_seeds(model, new)
    write(Path(out), points)
    clock.report()


if __name__ == "__main__":
    main()
