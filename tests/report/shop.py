"""Runs of a made-up shop, by the binary that people use."""

import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Every character that could end an element, an attribute or a string.
HOSTILE = "</script><script>pwned=1</script><img src=x onerror=pwned=1>'\"&"
HOSTILE_FILE = "<img src=x onerror=pwned=1>.csv"
REAL = ROOT.parent / "shared/data/online-retail.csv.gz"


def binary():
    """`INSIDERS_BIN`, or the release build of this checkout."""
    given = os.environ.get("INSIDERS_BIN")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = pathlib.Path(given) if given else target / "release/insiders"
    if not found.exists():
        raise SystemExit(f"{found} is not there: cargo build --release --bin insiders")
    return found


def insiders(*args):
    done = subprocess.run([binary(), *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"insiders {args}: {done.stderr}")
    return done.stdout


def run(sales, data, *more):
    """A run without publishing: its manifest, and where its page is."""
    manifest = json.loads(insiders("run", sales, "--dir", data, "--no-publish", "--json", *more))
    return manifest, pathlib.Path(manifest["report_path"])


def generate(path, rows, customers, seed=42, dirty=0.002):
    insiders("generate", "--rows", rows, "--customers", customers, "--seed", seed, "--dirty", dirty, "-o", path)
    return path


def two_moments(folder, sales, earlier):
    """The page of a run that has one before it, so that it tells who moved."""
    data = folder / "data"
    run(sales, data, "--as-of", earlier)
    return run(sales, data)


def with_value(page, to):
    """The page with RFM groups and lifetime values in its document, where it has none."""
    before, rest = page.read_text().split('id="data">')
    data, after = rest.split("</script>", 1)
    report = json.loads(data)
    sizes = [segment["customers"] for segment in report["segments"]]
    groups = ["champions", "loyal customers", "potential loyalists", "new customers", "promising",
              "need attention", "about to sleep", "at risk", "hibernating", "lost"]
    report.setdefault("value", {
        "groups": groups,
        "counts": [[size // (2 + (i + j) % 9) if (i + j) % 4 else 0 for j in range(len(groups))]
                   for i, size in enumerate(sizes)],
        "clv": [{"mean": 1000 / (1 + i), "sum": 1000 / (1 + i) * size} for i, size in enumerate(sizes)],
    })
    report["quality"]["checks"] = report["quality"]["checks"] or [
        {"kind": "columns", "level": "warn", "message": "column '<b>Country</b>' is gone"}
    ]
    text = json.dumps(report).replace("<", "\\u003c")
    to.write_text(f'{before}id="data">{text}</script>{after}')
    return to


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("no Chromium: apt-get install chromium")
