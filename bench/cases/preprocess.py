"""Cleaning and features, out of one file into Parquet, against pandas, polars and duckdb.

Twice: features alone, and as the stage does it, with the kept lines written too.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

from harness.measure import Command, Failed, Side, take_turns
from harness.place import Place
from harness.table import Goal, Row, compared, failed, figure

GOALS = {
    "pandas": None,
    "polars": Goal(faster=3, smaller=5),
    "duckdb": Goal(faster=3, smaller=5),
}
SIZES = (1_000_000, 10_000_000)
QUICK_SIZES = (60_000, 120_000)
# Ten times the lines may take this many times as long.
GROWTH = 10.5
WARM = 5


def rows(place: Place) -> Iterator[Row]:
    if not place.quick:
        export = place.export()
        yield from compare(place, export, f"{export.stem}: ", with_warm=True)
    own: list[tuple[float, float]] = []
    small, large = QUICK_SIZES if place.quick else SIZES
    for lines in (small, large):
        try:
            export = place.generated(lines)
        except Failed as error:
            yield failed(f"{lines:,} lines", error)
            return
        found = yield from compare(place, export, f"{lines:,} lines: ", with_warm=place.quick)
        own.append(found)
    (time_small, peak_small), (time_large, peak_large) = own
    if time_small and time_large:
        times, growth = time_large / time_small, peak_large / peak_small
        limit = GROWTH * large / small / 10
        yield figure(
            f"{large:,} lines against {small:,}, the stage",
            f"{times:.3g} × the time, {growth:.3g} × the peak memory "
            f"({peak_small:.0f} / {peak_large:.0f} MiB)",
            f"≤ {limit:.3g} × the time",
            times <= limit,
        )


def compare(place: Place, export: Path, prefix: str, with_warm: bool):
    """Gives the stage's median seconds and MiB, zeros if it failed."""
    yield from features(place, export, prefix)
    if with_warm:
        yield from warm(place, export, prefix)
    return (yield from stage(place, export, prefix))


def features(place: Place, export: Path, prefix: str) -> Iterator[Row]:
    out = place.fresh("features")
    sides = {"insiders": lambda _: ours(place, "features", export, out / "insiders")}
    for peer in GOALS:
        sides[peer] = lambda _, peer=peer: place.peer(f"{peer}_features", export, out / peer)
    done = take_turns(sides, place.runs, place.say)
    for peer, goal in GOALS.items():
        what = f"{prefix}features, cold process"
        yield pair(place, what, done["insiders"], peer, done[peer], None, goal, out)


def warm(place: Place, export: Path, prefix: str) -> Iterator[Row]:
    """The same again in a process that has done it before; one turn of several times each."""
    out = place.fresh("warm")
    again = ("--repeat", WARM)
    sides = {"insiders": lambda _: ours(place, "features", export, out / "insiders", *again)}
    for peer in GOALS:
        sides[peer] = lambda _, peer=peer: place.peer(
            f"{peer}_features", export, out / peer, *again
        )
    done = take_turns(sides, max(1, place.runs // 2), place.say)
    for peer, goal in GOALS.items():
        goal = goal and Goal(faster=goal.faster)
        what = f"{prefix}features, warm, in process"
        yield pair(place, what, done["insiders"], peer, done[peer], "work", goal, out)


def stage(place: Place, export: Path, prefix: str):
    out = place.fresh("stage")
    sides = {"insiders": lambda _: ours(place, "stage", export, place.fresh("stage/insiders"))}
    for peer in GOALS:
        sides[peer] = lambda _, peer=peer: place.peer(
            f"{peer}_features", export, out / peer, "--transactions"
        )
    done = take_turns(sides, place.runs, place.say)
    own = done["insiders"]
    for peer, goal in GOALS.items():
        what = f"{prefix}features, kept lines and the stage's other tables"
        yield pair(place, what, own, peer, done[peer], "work, first", goal, out)
    if own.error:
        return 0.0, 0.0
    return statistics.median(own.seconds("work, first")), own.peak_mib()


def ours(place: Place, verb: str, export: Path, out: Path, *more: object) -> Command:
    return Command([place.example("preprocess"), verb, export, out, *map(str, more)])


def pair(
    place: Place,
    what: str,
    own: Side,
    peer: str,
    theirs: Side,
    step: str | None,
    goal: Goal | None,
    out: Path,
) -> Row:
    try:
        check = place.check("same_features", own_features(own), out / peer / "features.parquet")
        memory = (own.peak_mib(), theirs.peak_mib())
        return compared(what, own.seconds(step), peer, theirs.seconds(step), goal, memory, check)
    except Failed as error:
        return failed(f"{what}, {peer}", error)


def own_features(side: Side) -> Path:
    return Path(side.last.facts["features"])
