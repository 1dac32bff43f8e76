"""scikit-learn's forest: fit, and the leaf of each tree for every customer.

forest.py MATRICES REPEAT JOBS
"""

import sys
from pathlib import Path

import timing
from raw import read
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score

TREES, FEATURES = 100, 4


def main() -> None:
    folder, repeat, jobs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    clock = timing.Clock()
    clock.lap("import")
    x, y = read(folder / "x.f64", FEATURES), read(folder / "y.f64")

    def forest() -> RandomForestRegressor:
        return RandomForestRegressor(n_estimators=TREES, random_state=42, n_jobs=jobs)

    fitted = clock.repeat("fit", repeat, lambda: forest().fit(x, y))
    clock.repeat("leaves", repeat, lambda: fitted.apply(x))
    nodes = sum(tree.tree_.node_count for tree in fitted.estimators_) / TREES

    held_out = forest().fit(read(folder / "x_old.f64", FEATURES), read(folder / "y_old.f64"))
    predicted = held_out.predict(read(folder / "x_new.f64", FEATURES))
    clock.report(nodes=nodes, r2=float(r2_score(read(folder / "y_new.f64"), predicted)))


if __name__ == "__main__":
    main()
