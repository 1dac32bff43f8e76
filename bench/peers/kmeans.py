"""scikit-learn's k-means. A practice run, then REPEAT runs, each of another seed.

kmeans.py POINTS.f64 N_INIT REPEAT OUT.u32
"""

import itertools
import sys
from pathlib import Path

import timing
from raw import read, write
from sklearn.cluster import KMeans

K, MAX_ITER, SEED = 11, 300, 42


def main() -> None:
    path, n_init, repeat, out = sys.argv[1:]
    clock = timing.Clock()
    clock.lap("import")
    points = read(Path(path), 2)
    seeds = itertools.count(SEED)
    inertias = []

    def fit() -> KMeans:
        fitted = KMeans(
            K, init="random", n_init=int(n_init), max_iter=MAX_ITER, random_state=next(seeds)
        ).fit(points)
        inertias.append(float(fitted.inertia_))
        return fitted

    fitted = clock.repeat("fit", int(repeat), fit)
    write(Path(out), fitted.labels_)
    clock.report(inertias=inertias)


if __name__ == "__main__":
    main()
