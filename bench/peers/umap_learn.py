"""umap-learn, seeded: fit on the old customers' leaves, or transform of the new ones'.

umap_learn.py fit|transform MATRICES METRIC REPEAT OUT
"""

import sys
import warnings
from pathlib import Path

import timing

warnings.filterwarnings("ignore")

import joblib
import umap
from raw import read, write

TREES = 100


def main() -> None:
    verb, folder, metric, repeat, out = sys.argv[1:]
    folder = Path(folder)
    clock = timing.Clock()
    clock.lap("import")
    if verb == "fit":
        old = read(folder / "leaves_old.u32", TREES)
        fitted = clock.repeat(
            "fit", int(repeat), lambda: umap.UMAP(metric=metric, random_state=42).fit(old)
        )
        points = fitted.embedding_
    else:
        new = read(folder / "leaves_new.u32", TREES)
        model = joblib.load(folder / f"umap-{metric}.joblib")
        points = clock.repeat("transform", int(repeat), lambda: model.transform(new))
    write(Path(out), points)
    clock.report()


if __name__ == "__main__":
    main()
