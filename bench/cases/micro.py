"""Bytes a second on one core, from bytes in memory to features, against finding line ends.

Every step does what the ones before it do.
"""

import statistics
from collections.abc import Iterator

from harness.measure import Command, Failed, Side, take_turns
from harness.place import Place
from harness.table import Row, figure

REPEAT = 5
LIMIT = "newlines by memchr"
STEPS = {
    "records": "split into records",
    "decode": "… and decode",
    "parse": "… and parse every field",
    "clean, accumulate, features": "… and clean, accumulate, finish the features",
}


def rows(place: Place) -> Iterator[Row]:
    export = place.export()
    words = [place.example("kernels"), "micro", export, str(REPEAT)]
    side = take_turns({"insiders": lambda _: Command(words)}, place.runs, place.say)["insiders"]
    facts, limit = side.last.facts, rate(side, LIMIT)
    # The header is a record, too.
    if facts["records"] != facts["rows"] + 1:
        raise Failed(f"{facts['records']} records but {facts['rows']} rows")
    yield figure(f"{export.name}: {LIMIT} (the limit)", f"{limit:.0f} MB/s")
    for step, what in STEPS.items():
        own = rate(side, step)
        yield figure(what, f"{own:.0f} MB/s", faster=f"{own / limit:.3g} of the limit")


def rate(side: Side, step: str) -> float:
    """Median, in 10^6 bytes a second."""
    return side.last.facts["bytes"] / statistics.median(side.seconds(step)) / 1e6
