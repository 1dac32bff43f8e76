"""Cleaning and features, out of one file into Parquet, against pandas, polars and duckdb.

Twice: features alone, out of the file; and the stage, which reads from the S3 server that runs in
the same process, and writes the kept lines, too, and quarantined ones and counts that the peers
don't. Its peak memory is the process's, that server and the upload included.
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
LARGE, FEW = 500_000_000, 3


def rows(place: Place) -> Iterator[Row]:
    if not place.quick:
        export = place.export()
        yield from compare(place, export, f"{export.stem}: ", with_warm=True)
    sizes = QUICK_SIZES if place.quick else SIZES
    own = []
    for lines in sizes:
        try:
            export = place.generated(lines)
        except Failed as error:
            yield failed(f"{lines:,} lines", error)
            return
        side = yield from compare(place, export, f"{lines:,} lines: ", with_warm=place.quick)
        own.append(side)
    try:
        yield growth(sizes, own)
    except Failed as error:
        yield failed("ten times the lines", error)


def growth(sizes: tuple[int, int], own: list[Side]) -> Row:
    """What more lines take, of the stage."""
    small, large = (statistics.median(side.seconds("work, first")) for side in own)
    few, many = (side.last.facts["customers"] for side in own)
    peaks = [side.peak_mib() for side in own]
    limit = GROWTH * sizes[1] / sizes[0] / 10
    return figure(
        f"the stage itself, {sizes[1]:,} lines against {sizes[0]:,}, {many:,} customers against {few:,}",
        f"{large / small:.3g} × the time, {peaks[1] / peaks[0]:.3g} × the peak memory",
        f"≤ {limit:.3g} × the time",
        large / small <= limit,
        memory=f"{peaks[1]:.0f} / {peaks[0]:.0f} MiB",
    )


def compare(place: Place, export: Path, prefix: str, with_warm: bool):
    """Gives all turns of our own stage."""
    yield from features(place, export, prefix)
    if with_warm:
        yield from warm(place, export, prefix)
    return (yield from stage(place, export, prefix))


def features(place: Place, export: Path, prefix: str) -> Iterator[Row]:
    out = place.fresh("features")
    sides = {"insiders": lambda _: ours(place, "features", export, out / "insiders")}
    for peer in GOALS:
        sides[peer] = lambda _, peer=peer: place.peer(f"{peer}_features", export, out / peer)
    done = take_turns(sides, turns(place, export), place.say)
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
    done = take_turns(sides, turns(place, export), place.say)
    for peer, goal in GOALS.items():
        what = f"{prefix}the stage: features and kept lines, in process"
        yield pair(place, what, done["insiders"], peer, done[peer], "work, first", goal, out)
    return done["insiders"]


def turns(place: Place, export: Path) -> int:
    """Fewer where one takes minutes."""
    return min(place.runs, FEW) if export.stat().st_size > LARGE else place.runs


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
