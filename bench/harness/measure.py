"""Processes that are measured, and turns: A B A B."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LAUNCH = Path(__file__).parent / "launch.py"
TIMEOUT = 3600.0
KIB_A_MIB = 1024


class Failed(Exception):
    """A program that did not do what it was asked for."""


@dataclass(frozen=True)
class Command:
    """A program to be run."""

    argv: list[str | Path]
    env: dict[str, str] = field(default_factory=dict)
    stdin: bytes | None = None

    def words(self) -> list[str]:
        return [str(word) for word in self.argv]


@dataclass(frozen=True)
class Measured:
    """What one process took, and what it said of itself."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    steps: dict[str, list[float]]
    facts: dict
    output: str


def run(command: Command, timeout: float = TIMEOUT) -> Measured:
    """Runs a program to its end, alone.

    A program that times its own steps prints a JSON object as the last line of its output:
    `{"seconds": {STEP: [SECONDS, ...]}, "facts": {...}}`.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        argv = [sys.executable, "-I", "-S", str(LAUNCH), str(result), *command.words()]
        # A session of its own, so that what runs too long ends with all that it started.
        process = subprocess.Popen(
            argv,
            env={**os.environ, **command.env},
            stdin=subprocess.PIPE if command.stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(command.stdin, timeout=timeout)
        except BaseException as stopped:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(stopped, subprocess.TimeoutExpired):
                raise Failed(f"{shown(command)} took more than {timeout:g} s") from None
            raise
        if process.returncode != 0:
            raise Failed(f"{shown(command)}: {last_words(errors or output)}")
        seconds, user, system, peak, _ = result.read_text().split()
    text = output.decode(errors="replace")
    said = report(text)
    return Measured(
        seconds=float(seconds),
        cpu_seconds=float(user) + float(system),
        peak_mib=int(peak) / KIB_A_MIB,
        steps=said.get("seconds", {}),
        facts=said.get("facts", {}),
        output=text,
    )


def report(text: str) -> dict:
    """The JSON object on the last line, if there is one."""
    lines = text.strip().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def shown(command: Command) -> str:
    program, *words = command.words()
    names = [Path(program).name, *(Path(word).name if "/" in word else word for word in words)]
    return " ".join(names[:4])


def last_words(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it ended without a word"


@dataclass
class Side:
    """All turns of one program."""

    turns: list[Measured] = field(default_factory=list)
    error: str | None = None

    @property
    def last(self) -> Measured:
        if self.error:
            raise Failed(self.error)
        return self.turns[-1]

    def seconds(self, step: str | None = None) -> list[float]:
        """Of the whole process, or of a step that it timed, one or more a turn."""
        if self.error:
            raise Failed(self.error)
        if step is None:
            return [turn.seconds for turn in self.turns]
        found = [second for turn in self.turns for second in turn.steps.get(step, [])]
        if not found:
            raise Failed(f"no step is called {step!r}")
        return found

    def peak_mib(self) -> float:
        if self.error:
            raise Failed(self.error)
        return statistics.median(turn.peak_mib for turn in self.turns)


def take_turns(
    sides: dict[str, Callable[[int], Command]], runs: int, say: Callable[[str], None]
) -> dict[str, Side]:
    """Runs each program once, then each once more, `runs` times over, so that what the
    machine does meanwhile falls on all of them. A side's function makes ready what its turn
    needs, which is not measured. A program that fails is left out from then on."""
    done = {name: Side() for name in sides}
    for turn in range(runs):
        for name, make in sides.items():
            side = done[name]
            if side.error:
                continue
            try:
                measured = run(make(turn))
            except (Failed, OSError) as error:
                side.error = f"{name}: {error}"
                say(f"  {name}: FAILED: {error}")
                continue
            side.turns.append(measured)
            say(
                f"  {turn + 1}/{runs} {name}: {measured.seconds:.3f} s, {measured.peak_mib:.0f} MiB"
            )
    return done
