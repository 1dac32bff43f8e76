"""What a run costs at each size of memory, and so each share of a core, as Lambda sells them.

`insiders run` of the default profile in a control group with the core's share and the memory of
that size, Postgres outside of it; a stage's time is the manifest's own. The S3 server runs in
the same group, so a function alone is a little faster. A size at which a stage ends out of memory
has no price. Prices are list prices of us-east-1, November 2026, x86: 0.0000166667 USD a
GB-second, 0.20 USD a million requests, 25 USD a million transitions of Step Functions, 5 USD a
million PUTs and 0.40 USD a million GETs of S3.
"""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from harness.cgroup import Group, Missing
from harness.measure import Failed, run
from harness.place import Place
from harness.postgres import Database, database
from harness.table import Row, detail, duration, figure, skipped

from .whole import first_lines, insiders

# MB of memory that a whole core goes with.
CORE = 1769
SIZES = (256, 512, 768, 1024, 1536, 1769, 2304, 3008, 3538)
QUICK_SIZES = (512, 1769)
GB_SECOND, REQUEST = 0.000_016_666_7, 0.000_000_2
# Of a run of the state machine, as the template has it.
TRANSITIONS, TRANSITION = 8, 0.000_025
# PUTs, and GETs with HEADs, of the three stages: counted on Online Retail.
REQUESTS = {"apply": (11, 36), "fit": (18, 29)}
PUT, GET = 0.000_005, 0.000_000_4


def rows(place: Place) -> Iterator[Row]:
    export = place.export()
    config = place.settings("default", 'profile = "default"\n')
    stored = place.fresh("stored-cost")
    run(insiders(place, first_lines(place, export), stored, config, "fit"))
    seconds: dict[tuple[str, str], dict[int, float]] = {}
    with database(place) as server:
        for size in QUICK_SIZES if place.quick else SIZES:
            try:
                with Group(size / CORE, size) as group:
                    for mode in REQUESTS:
                        of_size(place, server, group, stored, config, export, size, mode, seconds)
            except Missing as why:
                place.note(f"the cost by memory was not measured: {why}")
                yield skipped("cost by memory", str(why))
                return
    for (stage, mode), by_size in seconds.items():
        yield from of_stage(stage, mode, by_size)
    yield detail(
        f"{TRANSITIONS} transitions of Step Functions are {TRANSITIONS * TRANSITION * 1000:.2f} USD "
        "per 1,000 runs"
    )
    for mode, (puts, gets) in REQUESTS.items():
        cost = (puts * PUT + gets * GET) * 1000
        yield detail(f"{mode}: {puts} PUTs, {gets} GETs and HEADs of S3, {cost:.3f} USD per 1,000 runs")


def of_size(
    place: Place,
    server: Database,
    group: Group,
    stored: Path,
    config: Path,
    export: Path,
    size: int,
    mode: str,
    seconds: dict[tuple[str, str], dict[int, float]],
) -> None:
    found: dict[str, list[float]] = {}
    for _ in range(min(place.runs, 3)):
        folder = place.copied(stored, "sized") if mode == "apply" else place.fresh("sized")
        server.ask("DROP SCHEMA IF EXISTS insiders CASCADE;")
        command = insiders(place, export, folder, config, mode, server)
        try:
            done = run(group.inside(command))
        except Failed as error:
            place.say(f"  {size} MB, {mode}: {error}")
            return
        for stage in json.loads(done.output)["stages"]:
            found.setdefault(stage["stage"], []).append(stage["seconds"])
    for stage, times in found.items():
        middle = statistics.median(times)
        seconds.setdefault((stage, mode), {})[size] = middle
        place.say(f"  {size} MB, {mode}, {stage}: {middle:.3f} s")


def of_stage(stage: str, mode: str, by_size: dict[int, float]) -> Iterator[Row]:
    costs = {size: price(size, seconds) for size, seconds in by_size.items()}
    cheapest = min(costs, key=costs.get)
    for size, seconds in by_size.items():
        yield figure(
            f"{stage}, {mode}, {size:,} MB ({size / CORE:.2f} cores)",
            duration(seconds),
            faster="cheapest" if size == cheapest else "",
            memory=f"{costs[size] * 1000:.4f} USD per 1,000 runs",
        )


def price(size: int, seconds: float) -> float:
    """USD of one invocation, billed by the millisecond."""
    return REQUEST + round(seconds + 0.0005, 3) * size / 1024 * GB_SECOND
