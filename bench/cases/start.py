"""Cold starts and zips, as `tests/aws/cold_start.py` measures them on what `sam build` made."""

import datetime
import re
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

from harness.measure import Failed, last_words
from harness.place import ROOT, Place
from harness.table import Row, detail, figure, skipped

BUILT = ROOT / ".aws-sam" / "build"
MOST_MS, MOST_MB = 30, 8
LINE = re.compile(
    r"^(?P<name>[\w-]+): .* zip (?P<zip>[\d.]+) MB; of (?P<starts>\d+) cold starts "
    r"median (?P<median>[\d.]+) ms, worst (?P<worst>[\d.]+) ms, (?P<resident>[\d.]+) MiB"
)
# What cold_start.py imports to read the template.
NEEDS = "cfn-lint"


def rows(place: Place) -> Iterator[Row]:
    if not BUILT.is_dir():
        why = "there is no .aws-sam/build: run `sam build` first"
        place.note(f"cold starts and zips were skipped: {why}")
        yield skipped("cold start, zip", why)
        return
    python = environment(place)
    script = ROOT / "tests" / "aws" / "cold_start.py"
    done = subprocess.run([python, script], capture_output=True, text=True, cwd=ROOT)
    found = [match for match in map(LINE.match, done.stdout.splitlines()) if match]
    # It ends with 1 where a figure is too large; the rows say which.
    if not found:
        raise Failed(f"cold_start.py: {last_words((done.stderr or done.stdout).encode())}")
    for match in found:
        name, median, size = match["name"], float(match["median"]), float(match["zip"])
        yield figure(
            f"{name}: start of the process to its first request, of {match['starts']}",
            f"{median:g} ms (worst {match['worst']} ms), {match['resident']} MiB resident",
            f"≤ {MOST_MS} ms",
            median <= MOST_MS,
        )
        yield figure(f"{name}: zip", f"{size:g} MB", f"≤ {MOST_MB} MB", size <= MOST_MB)
    built = datetime.datetime.fromtimestamp(BUILT.stat().st_mtime, datetime.UTC)
    yield detail(f"`sam build` was run {built:%Y-%m-%d %H:%M} UTC")


def environment(place: Place) -> Path:
    """Pinned as the tests of AWS have it; apart from the peers' own."""
    folder = place.dir / "venv-template"
    python = folder / "bin" / "python"
    if python.exists():
        there = subprocess.run([python, "-c", "import cfnlint"], capture_output=True)
        if there.returncode == 0:
            return python
    wanted = (ROOT / "tests" / "aws" / "requirements.txt").read_text().splitlines()
    pinned = [line for line in wanted if line.startswith(f"{NEEDS}==")]
    venv.create(folder, with_pip=True, clear=True)
    done = subprocess.run([python, "-m", "pip", "install", "-q", *pinned], capture_output=True)
    if done.returncode:
        raise Failed(f"pip install {pinned}: {last_words(done.stderr)}")
    return python
