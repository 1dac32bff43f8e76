"""Rows of the table: a figure of ours, the peer's, the goal, and whether it is met."""

import statistics
from dataclasses import asdict, dataclass

HEAD = [
    "what",
    "insiders: median (least–most)",
    "peer",
    "its median (least–most)",
    "times faster",
    "peak memory, ours / its",
    "goal",
    "met",
    "same output",
]


@dataclass(frozen=True)
class Goal:
    """What is to be reached, as ratios in one session."""

    faster: float | None = None
    """Times faster than the peer, at least; below 1, a limit of how much slower."""
    smaller: float | None = None
    """The peer's peak memory divided by ours, at least."""

    def __str__(self) -> str:
        parts = []
        if self.faster is not None and self.faster >= 1:
            parts.append(f"≥ {self.faster:g} × faster")
        elif self.faster is not None:
            parts.append(f"≤ {1 / self.faster:.3g} × its time")
        if self.smaller is not None:
            parts.append(f"≤ 1/{self.smaller:g} of its memory")
        return ", ".join(parts)


@dataclass
class Row:
    """One row, as it is printed."""

    what: str
    ours: str = ""
    peer: str = ""
    theirs: str = ""
    faster: str = ""
    memory: str = ""
    goal: str = ""
    met: str = ""
    check: str = ""
    is_failed: bool = False
    is_detail: bool = False

    def cells(self) -> list[str]:
        values = list(asdict(self).values())[: len(HEAD)]
        return [str(value).replace("|", "\\|").replace("\n", " ") for value in values]


@dataclass(frozen=True)
class Check:
    """Whether two programs gave the same; `text` says what was compared."""

    is_same: bool
    text: str
    is_good: bool = True
    """Whether ours is as good, where that is part of the goal."""

    def __str__(self) -> str:
        return self.text if self.is_same else f"**NO: {self.text}**"

    def __and__(self, other: "Check") -> "Check":
        """Both; of one that failed, the words of that one alone."""
        if self.is_same and other.is_same:
            good = self.is_good and other.is_good
            return Check(True, f"{self.text}; {other.text}", good)
        return other if self.is_same else self


def duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"


def spread(seconds: list[float]) -> str:
    """Median, least and most."""
    middle = duration(statistics.median(seconds))
    if len(seconds) == 1:
        return middle
    return f"{middle} ({duration(min(seconds))}–{duration(max(seconds))})"


def compared(
    what: str,
    ours: list[float],
    peer: str,
    theirs: list[float],
    goal: Goal | None = None,
    memory: tuple[float, float] | None = None,
    check: Check | None = None,
) -> Row:
    """A row of two programs that did the same."""
    faster = statistics.median(theirs) / statistics.median(ours)
    reached = []
    if goal and goal.faster is not None:
        reached.append(faster >= goal.faster)
    if goal and goal.smaller is not None and memory:
        reached.append(memory[1] / memory[0] >= goal.smaller)
    if goal and check:
        reached.append(check.is_good)
    return Row(
        what=what,
        ours=spread(ours),
        peer=peer,
        theirs=spread(theirs),
        faster=f"{faster:.3g}",
        memory=f"{memory[0]:.0f} / {memory[1]:.0f} MiB (1/{memory[1] / memory[0]:.3g})"
        if memory
        else "",
        goal=str(goal) if goal else "",
        met=verdict(reached),
        check=str(check) if check else "",
        is_failed=bool(check and not check.is_same),
    )


def detail(text: str) -> Row:
    """What is said below the table."""
    return Row(what=text, is_detail=True)


def figure(what: str, value: str, goal: str = "", is_met: bool | None = None, **more: str) -> Row:
    """A row of one program."""
    met = "" if is_met is None else verdict([is_met])
    return Row(what=what, ours=value, goal=goal, met=met, **more)


def failed(what: str, error: object) -> Row:
    """A row of what could not be measured."""
    return Row(what=what, met="**failed**", check=str(error), is_failed=True)


def skipped(what: str, why: str) -> Row:
    """A row of what this machine has not got the means for."""
    return Row(what=what, met="skipped", check=why)


def verdict(reached: list[bool]) -> str:
    if not reached:
        return ""
    return "yes" if all(reached) else "**no**"


def markdown(rows: list[Row]) -> str:
    """The table, and the details below it."""
    table = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows if not row.is_detail)]
    lines = ["| " + " | ".join(line) + " |" for line in table]
    details = [f"- {row.what}" for row in rows if row.is_detail]
    return "\n".join([*lines, *([""] if details else []), *details]) + "\n"
