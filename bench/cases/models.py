"""The models one by one, in processes that have done it once before.

All run on the same matrices, made from the export's customers: see `data/matrices.py`.
"""

import filecmp
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from harness.measure import Command, Failed, Side, run, take_turns
from harness.place import Place
from harness.table import Check, Goal, Row, compared, failed

REPEAT = 3
METRICS = {
    "euclidean": Goal(faster=5),
    "hamming": Goal(faster=20),
}
UMAP_FIT = Goal(faster=4)
FOREST = Goal(faster=5)
# One restart finds what its seed leads to; 300 are nearly as good as each other. So many are
# looked at, and by this share the median of ours may be higher.
SEEDS, QUICK_SEEDS, LUCK = 10, 2, 0.002


def matrices(place: Place) -> Path:
    """Made once for an export."""
    export = place.export()
    out = place.dir / "matrices" / export.stem
    if (out / "matrices.json").exists():
        return out
    place.say("  make the matrices")
    features = place.fresh("matrices") / "features"
    done = run(Command([place.example("preprocess"), "features", export, features]))
    large = 100_000 if place.quick else 1_000_000
    run(place.script("data", "matrices", done.facts["features"], out, "--large", large))
    return out


def kernels(place: Place, *words: object, env: dict[str, str] | None = None) -> Command:
    return Command([place.example("kernels"), *map(str, words)], env=env or {})


def forest(place: Place) -> Iterator[Row]:
    folder = matrices(place)
    peers = {"scikit-learn, 1 job (the notebook's)": 1, "scikit-learn, all cores": -1}
    sides = {"insiders": lambda _: kernels(place, "forest", folder, REPEAT)}
    for name, jobs in peers.items():
        sides[name] = lambda _, jobs=jobs: place.peer("forest", folder, REPEAT, jobs)
    done = take_turns(sides, place.runs, place.say)
    own = done["insiders"]
    for peer in peers:
        for step, what in (("fit", "fit, 100 trees"), ("leaves", "leaf indices")):
            try:
                theirs = done[peer]
                check = as_good(own, theirs)
                yield row(
                    f"forest {what}, {customers(folder)}", own, peer, theirs, step, FOREST, check
                )
            except Failed as error:
                yield failed(f"forest {what}, {peer}", error)


def as_good(own: Side, theirs: Side) -> Check:
    """Bootstraps differ, so trees do; not how large they are nor how well they predict."""
    ours, peer = own.last.facts, theirs.last.facts
    words = (
        f"nodes a tree {ours['nodes']:.0f} / {peer['nodes']:.0f}, "
        f"R² of customers left out {ours['r2']:.2f} / {peer['r2']:.2f}"
    )
    alike = abs(ours["nodes"] / peer["nodes"] - 1) < 0.05
    return Check(alike and ours["r2"] > peer["r2"] - 0.1, words)


def umap(place: Place) -> Iterator[Row]:
    folder = matrices(place)
    out = place.fresh("umap")
    for metric, goal in METRICS.items():
        yield from umap_step(place, folder, out, "transform", metric, goal)
        yield from umap_step(place, folder, out, "fit", metric, UMAP_FIT)


def umap_step(
    place: Place, folder: Path, out: Path, step: str, metric: str, goal: Goal
) -> Iterator[Row]:
    names = {side: out / f"{step}-{metric}-{side}.f32" for side in ("ours", "theirs", "one")}
    curve = json.loads((folder / "matrices.json").read_text())["curves"][metric]

    def ours(side: str, env: dict[str, str] | None = None) -> Command:
        words = [f"umap-{step}", folder, metric, REPEAT, names[side], curve["a"], curve["b"]]
        return kernels(place, *words, env=env)

    peer = "umap-learn, warm"
    sides = {
        "insiders": lambda _: ours("ours"),
        peer: lambda _: place.peer("umap_learn", step, folder, metric, REPEAT, names["theirs"]),
    }
    done = take_turns(sides, place.runs, place.say)
    rows = "new" if step == "transform" else "old"
    what = f"UMAP {step}, {metric}, {customers(folder, rows)}"
    try:
        _ = done["insiders"].last, done[peer].last
        words = (step, folder, metric, names["ours"], names["theirs"])
        check = as_trustworthy(run(place.script("checks", "trustworthiness", *words)).facts)
        run(ours("one", {"RAYON_NUM_THREADS": "1"}))
        check &= Check(filecmp.cmp(names["ours"], names["one"], False), "same bytes on one thread")
        yield row(what, done["insiders"], peer, done[peer], step, goal, check)
    except Failed as error:
        yield failed(what, error)


def as_trustworthy(facts: dict[str, float]) -> Check:
    """No lower in three digits."""
    words = f"trustworthiness {facts['ours']:.4f} / {facts['theirs']:.4f}"
    if "exact" in facts:
        words += f" ({facts['exact']:.4f} with its neighbours exact)"
    return Check(True, words, round(facts["ours"], 3) >= round(facts["theirs"], 3))


def kmeans(place: Place) -> Iterator[Row]:
    folder = matrices(place)
    yield kmeans_of(place, folder, "points", "customers", 300, Goal(faster=4))
    yield kmeans_of(place, folder, "points-large", "large", 1, Goal(faster=2))


def kmeans_of(place: Place, folder: Path, name: str, part: str, n_init: int, goal: Goal) -> Row:
    out, seeds = place.fresh("kmeans"), QUICK_SEEDS if place.quick else SEEDS
    points, ours, theirs = folder / f"{name}.f64", out / "ours.u32", out / "theirs.u32"
    sides = {
        "insiders": lambda _: kernels(place, "kmeans", points, n_init, seeds, ours),
        "scikit-learn": lambda _: place.peer("kmeans", points, n_init, seeds, theirs),
    }
    done = take_turns(sides, place.runs, place.say)
    own, peer = done["insiders"], done["scikit-learn"]
    what = f"k-means, n_init {n_init}, {customers(folder, part)}"
    try:
        check = place.check("converged", points, ours, theirs) & as_low(own, peer, n_init)
        return row(what, own, "scikit-learn", peer, "fit", goal, check)
    except Failed as error:
        return failed(what, error)


def as_low(own: Side, peer: Side, n_init: int) -> Check:
    """The inertias that both found, of the same number of seeds."""
    ours, theirs = (statistics.median(side.last.facts["inertias"]) for side in (own, peer))
    count = len(own.last.facts["inertias"])
    words = f"median inertia of {count} seeds {ours:,.1f} / {theirs:,.1f}"
    return Check(n_init == 1 or ours <= theirs * (1 + LUCK), words)


def silhouette(place: Place) -> Iterator[Row]:
    folder = matrices(place)
    words = (folder / "points.f64", folder / "labels.u32", REPEAT)
    sides = {
        "insiders": lambda _: kernels(place, "silhouette", *words),
        "scikit-learn": lambda _: place.peer("silhouette", *words),
    }
    done = take_turns(sides, place.runs, place.say)
    own, peer = done["insiders"], done["scikit-learn"]
    what = f"silhouette, {customers(folder)}"
    try:
        a, b = own.last.facts["score"], peer.last.facts["score"]
        check = Check(abs(a - b) < 1e-9, f"score {a:.9f} / {b:.9f}")
        yield row(what, own, "scikit-learn", peer, "score", Goal(faster=15), check)
    except Failed as error:
        yield failed(what, error)


def row(what: str, own: Side, peer: str, theirs: Side, step: str, goal: Goal, check: Check) -> Row:
    memory = (own.peak_mib(), theirs.peak_mib())
    return compared(what, own.seconds(step), peer, theirs.seconds(step), goal, memory, check)


def customers(folder: Path, part: str = "customers") -> str:
    return f"{json.loads((folder / 'matrices.json').read_text())[part]:,} customers"
