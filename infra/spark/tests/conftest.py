"""One Spark cluster of two executors for all tests, and the program that is held against."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HERE.parent)]

import pyspark
from insiders_spark import arguments, job
from pyspark.sql import SparkSession

# Executors are processes of their own, each with a core and a GiB.
MASTER = os.environ.get("INSIDERS_SPARK_MASTER", "local-cluster[2,1,1024]")
# What runs for seconds is not worth the better compiler.
YOUNG = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# The models are of no interest here, and quick with these.
QUICK = """
[embedding]
trees = 1
n_neighbors = 2
[clustering]
k = 2
n_init = 1
max_iter = 5
"""


@pytest.fixture(scope="session")
def spark():
    os.environ.setdefault("SPARK_HOME", str(pathlib.Path(pyspark.__file__).parent))
    session = (
        SparkSession.builder.master(MASTER)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.extraJavaOptions", YOUNG)
        .config("spark.executor.extraJavaOptions", YOUNG)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def insiders():
    found = os.environ.get("INSIDERS_BIN", ROOT / "target" / "release" / "insiders")
    if not pathlib.Path(found).exists():
        pytest.fail(f"{found} is not there: build it, or set INSIDERS_BIN")
    return found


@pytest.fixture(scope="session")
def shared():
    """The real data, which are not ours to commit."""
    for folder in ROOT.parents:
        if (folder / "shared" / "golden").exists():
            return folder / "shared"
    pytest.skip("NO REAL DATA: shared/golden is nowhere above the project")


class Lambda:
    """The functions, on a folder."""

    def __init__(self, insiders, folder, config=""):
        self.insiders, self.data = insiders, folder / "lambda"
        self.config = folder / "insiders.toml"
        self.config.write_text(QUICK + config)

    def run(self, export, *words):
        """The manifest of a run, or the error's line."""
        command = [self.insiders, "run", export, "--dir", self.data, "--config", self.config]
        command += ["--no-publish", "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1]
        self.manifest = json.loads(done.stdout)
        self.folder = self.data / "runs" / self.manifest["run_id"]
        return self.manifest

    def keys(self):
        if "history" not in self.manifest:
            return [self.manifest["source"]["key"]]
        listed = json.loads((self.data / self.manifest["history"]["key"]).read_text())
        return [upload["key"] for upload in listed["uploads"]]


def by_spark(spark, lambda_, out, *words):
    """The job on what the functions read."""
    sources = []
    for key in lambda_.keys():
        sources += ["--source", str(lambda_.data / key), "--object", key]
    erased = lambda_.data / "config" / "erased.json"
    if erased.exists():
        sources += ["--erased", str(erased)]
    words = [*sources, "--run", str(lambda_.folder / "manifest.json"), "--prefix", str(out), *words]
    return job.run(spark, arguments.parse(words))


def assert_same(lambda_, out):
    import compare

    found = compare.all_of(lambda_.folder, out)
    wrong = {table: figures for table, figures in found.items() if figures[1]}
    assert not wrong, wrong
    assert all(compared for compared, _, _ in found.values() if compared is not None) or found
