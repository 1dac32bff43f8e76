"""Runs that are too large for one function, through the template's own state machine: customers in
shards, and exports that Spark reads. Small ones here, that the settings send there."""

import pytest
from local_aws.deployment import BUCKET, generate, keys
from local_aws.net import wait_for
from local_aws.spark import spark_submit
from test_pipeline import HEAD, published


def settings(aws, text):
    aws.s3.put_object(Bucket=BUCKET, Key="config/insiders.toml", Body=text.encode())


@pytest.fixture
def plain(aws):
    yield
    aws.s3.delete_object(Bucket=BUCKET, Key="config/insiders.toml")


def run(aws, key, body):
    """The run of an upload."""
    before = aws.executions()
    aws.upload(key, body)
    return published(aws, aws.new_execution(before))


def rows(aws, run_id):
    """What Postgres has of a run: a digest of all rows, whatever their order."""
    ask = f"SELECT row_digest, customers FROM insiders.runs WHERE run_id = '{run_id}'"
    return aws.postgres.ask(ask)[0]


def told(aws, run_id):
    """What is told of a run but for where it came from and how long it took."""
    figures = {name: aws.get(f"runs/{run_id}/{name}.json") for name in ("profile", "metrics")}
    quality = aws.get(f"runs/{run_id}/quality.json")
    for upload in quality["uploads"]:
        upload.pop("object")
    manifest = aws.get(f"runs/{run_id}/manifest.json")
    same = ("counts", "drift", "effective_as_of", "model_version", "quality")
    return figures | {"quality.json": quality} | {name: manifest[name] for name in same}


@pytest.fixture(scope="module")
def whole(aws, tmp_path_factory):
    """An export and the run of it in one function, which applies models that are there."""
    folder = tmp_path_factory.mktemp("scale")
    run(aws, "uploads/before.csv", generate(folder / "before.csv", 19))
    body = generate(folder / "sales.csv", 20)
    return body, run(aws, "uploads/whole.csv", body)


@pytest.mark.parametrize("shards", (1, 3, 7))
def test_customers_in_shards_are_the_same_run(aws, whole, plain, shards):
    body, before = whole
    customers = int(rows(aws, before)[1])
    per_shard = -(-customers // shards)
    settings(aws, f"[scale]\nshards_from = 10\ncustomers_per_shard = {per_shard}\n")
    calls = aws.calls()["EmbedFunction"]
    run_id = run(aws, f"uploads/in-{shards}.csv", body)
    assert rows(aws, run_id) == rows(aws, before)
    assert told(aws, run_id) == told(aws, before)
    # One to prepare, one a shard, one to merge.
    assert aws.calls()["EmbedFunction"] - calls == shards + 2
    parts = [key for key in keys(aws, ".parquet") if key.startswith(f"runs/{run_id}/segments/")]
    assert len(parts) == shards


needs_spark = pytest.mark.skipif(
    spark_submit() is None, reason="SKIPPED: no spark-submit; pip install pyspark, SPARK_SUBMIT"
)


@needs_spark
def test_an_export_that_spark_reads_is_the_same_run(aws, whole, plain):
    body, before = whole
    settings(aws, "[scale]\nengine = 'spark'\nshards_from = 10\ncustomers_per_shard = 90\n")
    run_id = run(aws, "uploads/by-spark.csv", body)
    assert rows(aws, run_id) == rows(aws, before)
    assert told(aws, run_id) == told(aws, before)
    assert len(aws.cloud.spark.jobs) == 1
    stages = [stage["stage"] for stage in aws.get(f"runs/{run_id}/manifest.json")["stages"]]
    assert stages[0] == "preprocess-to-parquet: gather"
    # The same again does nothing.
    request = {"source": {"bucket": BUCKET, "key": "uploads/by-spark.csv"}}
    output = aws.succeeded(aws.start(aws.pipeline, request))
    assert (output["run_id"], output["changed"]) == (run_id, False)
    assert len(aws.cloud.spark.jobs) == 1


@needs_spark
def test_what_spark_refuses_fails_by_its_name_and_somebody_is_told(aws, plain):
    settings(aws, "[scale]\nengine = 'spark'\n")
    aws.messages()
    before = aws.executions()
    aws.upload("uploads/bad-for-spark.csv", (HEAD + "1,2,three,four,five,six,7,UK\n" * 500).encode())
    found = aws.finished(aws.new_execution(before))
    assert (found["status"], found["error"]) == ("FAILED", "Insiders.BadInput")
    (record,) = wait_for("a message", aws.messages)
    assert "uploads/bad-for-spark.csv" in record["cause"]


def test_a_fit_in_shards_is_the_same_fit(aws, whole, plain):
    """The models that are fitted to an export in shards are those of one function. They become the
    champion: a test that compares with the runs above comes before."""
    body, _ = whole
    wide = ["min_silhouette = -1.0", "min_stability = -1.0", "max_moved_share = 1.0"]
    wide += ["max_share_shift = 1.0", "max_psi = 100.0", "max_ks = 1.0"]
    gates = "\n".join(["[gates]", *wide, ""])
    shards = "[scale]\nshards_from = 10\ncustomers_per_shard = 70\n"
    found = []
    for key, scale in (("uploads/fit.csv", ""), ("uploads/fit-in-shards.csv", shards)):
        settings(aws, gates + scale)
        run(aws, key, body)
        request = {"source": {"bucket": BUCKET, "key": key}, "mode": "fit"}
        output = aws.succeeded(aws.start(aws.pipeline, request))
        manifest = aws.get(f"runs/{output['run_id']}/manifest.json")
        assert ("shards.json" in manifest["artifacts"]) == bool(scale)
        files = aws.get(f"models/{manifest['model_version']}/manifest.json")["files"]
        found.append({name: file["sha256"] for name, file in files.items()})
    assert found[0] == found[1]
