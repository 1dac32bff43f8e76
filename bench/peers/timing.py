"""How a peer's program says what it took: one JSON object, the last line it prints."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
START = time.perf_counter()


class Clock:
    """Seconds of each step; the first one counts from the start of the program."""

    def __init__(self) -> None:
        self.last = START
        self.seconds: dict[str, list[float]] = {}

    def lap(self, step: str) -> None:
        """Ends a step: the time since the last one is its own."""
        now = time.perf_counter()
        self.seconds.setdefault(step, []).append(now - self.last)
        self.last = now

    def repeat(self, step: str, times: int, work: Callable[[], T]) -> T:
        """Does the work once for practice and then `times` times; gives the last result. The
        first time is the step's "cold" one: compilation and caches are in it."""
        begin = time.perf_counter()
        result = work()
        self.seconds[f"{step}, first"] = [time.perf_counter() - begin]
        for _ in range(times):
            begin = time.perf_counter()
            result = work()
            self.seconds.setdefault(step, []).append(time.perf_counter() - begin)
        self.last = time.perf_counter()
        return result

    def report(self, **facts: object) -> None:
        """Prints everything."""
        print(json.dumps({"seconds": self.seconds, "facts": facts}))
