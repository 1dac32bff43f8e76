"""Where a session works: binaries, the peers' environment, data."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

from . import table
from .measure import Command, Failed, last_words, run

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
REAL = ROOT.parent / "shared" / "data" / "online-retail.csv.gz"
SEED = 1
# Lines of the real set: what stands in for it has as many.
REAL_LINES = 541_909
QUICK_LINES = 60_000


@dataclass
class Place:
    """A session's folder and how much it is to do."""

    dir: Path
    binaries: Path
    runs: int
    quick: bool
    notes: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Tells whoever watches."""
        print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Tells readers of the table, too: what was left out or replaced."""
        if text not in self.notes:
            self.notes.append(text)
            self.say(f"NOTE: {text}")

    # Programs.

    @property
    def insiders(self) -> Path:
        return self.binaries / "insiders"

    def example(self, name: str) -> Path:
        return self.binaries / "examples" / name

    @property
    def python(self) -> Path:
        return self.dir / "venv" / "bin" / "python"

    def peer(self, name: str, *args: object) -> Command:
        """A program of `bench/peers`."""
        return self.script("peers", name, *args)

    def check(self, name: str, *args: object) -> table.Check:
        """Runs a program of `bench/checks`; it says what it found and fails if that is wrong."""
        try:
            said = run(self.script("checks", name, *args)).output.strip()
        except Failed as error:
            return table.Check(False, str(error))
        return table.Check(True, said.splitlines()[-1] if said else "same")

    def script(self, folder: str, name: str, *args: object) -> Command:
        """A program of a folder here, in the peers' environment."""
        return Command(
            [self.python, "-W", "ignore", BENCH / folder / f"{name}.py", *map(str, args)]
        )

    def build(self) -> None:
        """Builds what is measured, as it ships."""
        self.say("== build")
        command = "cargo build --release --workspace --locked --bins --examples"
        if subprocess.run(command.split(), cwd=ROOT).returncode:
            raise Failed(f"{command} failed")

    def install(self) -> None:
        """Makes the peers' environment, unless it is there with these very versions."""
        wanted = BENCH / "requirements.txt"
        mark = self.dir / "venv" / "installed"
        digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
        if mark.exists() and mark.read_text() == digest:
            return
        self.say("== install the peers")
        venv.create(self.dir / "venv", with_pip=True, clear=True)
        # Models that other versions pickled are of no use to these.
        shutil.rmtree(self.dir / "matrices", ignore_errors=True)
        pip = [self.python, "-m", "pip", "install", "-q", "-r", wanted]
        done = subprocess.run(pip, capture_output=True)
        if done.returncode:
            raise Failed(f"pip install: {last_words(done.stderr)}")
        mark.write_text(digest)

    def versions(self) -> str:
        """Of the peers and their Python."""
        freeze = subprocess.run(
            [self.python, "-m", "pip", "freeze"], capture_output=True, text=True
        )
        pinned = {
            line.split("==")[0].split("[")[0]
            for line in (BENCH / "requirements.txt").read_text().splitlines()
            if "==" in line
        }
        found = [line for line in freeze.stdout.splitlines() if line.split("==")[0] in pinned]
        python = subprocess.run([self.python, "-V"], capture_output=True, text=True).stdout.strip()
        return ", ".join([python, *(line.replace("==", " ") for line in found)])

    # Data.

    def copied(self, folder: Path, name: str) -> Path:
        """A fresh copy of a folder that programs have filled."""
        target = self.fresh(name)
        target.rmdir()
        shutil.copytree(folder, target, symlinks=True)
        return target

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        path = self.dir / "work" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def generated(self, lines: int) -> Path:
        """A shop that does not exist; made once."""
        path = self.dir / "data" / f"generated-{lines}.csv"
        if not path.exists():
            self.say(f"== generate {lines:,} lines")
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            made = [self.insiders, "generate", "--rows", lines, "--seed", SEED, "-o", part]
            run(Command(list(map(str, made))))
            part.rename(path)
        return path

    def export(self) -> Path:
        """The real set, or what stands in for it."""
        if self.quick:
            return self.generated(QUICK_LINES)
        if not REAL.exists():
            self.note(
                f"the real set is not there ({os.path.relpath(REAL, ROOT)}): a generated shop of "
                f"{REAL_LINES:,} lines stands in for it, and no figure compares with the goals' own"
            )
            return self.generated(REAL_LINES)
        path = self.dir / "data" / "online-retail.csv"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            with gzip.open(REAL) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            part.rename(path)
        return path

    def settings(self, name: str, text: str) -> Path:
        """A file of settings for `--config`."""
        path = self.dir / "work" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
