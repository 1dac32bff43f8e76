"""From an event to rows in Postgres, through the template's own state machines."""

import csv
import io
import json
import random
import threading
import time

from local_aws import template
from local_aws.deployment import BUCKET, figures, keys
from local_aws.net import wait_for

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
CURRENT = "SELECT min(run_id), count(*) FROM insiders.insiders"


def event(aws, key, version):
    """What EventBridge says of an upload."""
    text = (template.ROOT / "events" / "s3-object-created.json").read_text()
    made = json.loads(text)
    made["detail"]["bucket"]["name"] = BUCKET
    made["detail"]["object"] |= {"key": key, "version-id": version}
    return json.dumps(made)


def published(aws, execution):
    """The run of a successful execution, as readers see it."""
    output = aws.succeeded(execution)
    run_id, rows = aws.postgres.ask(
        f"SELECT run_id, customers FROM insiders.runs WHERE run_id = '{output['run_id']}'"
    )[0]
    assert int(rows) == output["publication"]["customers"] > 0
    return run_id


def test_an_upload_becomes_rows_in_postgres(aws, export):
    key = "uploads/2026/café sales + returns 100%.csv"
    aws.upload(key, export(1))
    (execution,) = wait_for("the pipeline", aws.executions)
    run_id = published(aws, execution)
    current, customers = aws.postgres.ask(CURRENT)[0]
    assert current == run_id
    manifest = aws.get(f"runs/{run_id}/manifest.json")
    assert manifest["customers"] == int(customers)
    assert manifest["source"]["key"] == key
    for stage in manifest["stages"]:
        peak = stage["peak_memory_bytes"] / 2**20
        print(f"\n  {stage['stage']}: {stage['seconds']:.2f} s, peak {peak:.0f} MiB", end="")


def test_the_sample_events_are_what_the_stages_say_to_each_other(aws):
    for name, before in (("embed", "PreprocessFunction"), ("publish", "EmbedFunction")):
        sample = json.loads((template.ROOT / "events" / f"{name}.json").read_text())
        said = aws.functions[before].answers[0]
        assert sample.keys() == said.keys()
        assert sample["run"].keys() == said["run"].keys()
        assert sample["artifacts"].keys() == said["artifacts"].keys()


def test_the_same_event_again_does_no_work(aws, export):
    before = aws.executions()
    version = aws.upload("uploads/twice.csv", export(2))
    execution = aws.new_execution(before)
    published(aws, execution)
    calls, executions = aws.calls(), aws.executions()
    again = aws.cloud.start(aws.intake, event(aws, "uploads/twice.csv", version))
    assert aws.finished(again)["status"] == "SUCCEEDED"
    assert (aws.calls(), aws.executions()) == (calls, executions)


def test_work_that_is_done_is_not_done_again_by_another_execution(aws, export):
    before = aws.executions()
    aws.upload("uploads/by-hand.csv", export(3))
    run_id = published(aws, aws.new_execution(before))
    calls = aws.calls()
    request = {"source": {"bucket": BUCKET, "key": "uploads/by-hand.csv"}}
    execution = aws.cloud.start(aws.pipeline, json.dumps(request))
    output = aws.succeeded(execution)
    assert (output["run_id"], output["changed"]) == (run_id, False)
    assert aws.calls()["EmbedFunction"] == calls["EmbedFunction"]


def test_two_uploads_at_once_are_both_published(aws, export):
    before = aws.executions()
    bodies = [export(4), export(5)]
    uploads = [
        threading.Thread(target=aws.upload, args=(f"uploads/at-once-{n}.csv", body))
        for n, body in enumerate(bodies)
    ]
    for upload in uploads:
        upload.start()
    for upload in uploads:
        upload.join()
    wait_for("both executions", lambda: len(aws.executions() - before) == 2)
    outputs = [aws.succeeded(execution) for execution in aws.executions() - before]
    # The earlier one is published too, unless the later one was faster.
    superseded = [output for output in outputs if "superseded" in output]
    assert len(superseded) < 2
    moment = aws.postgres.ask(
        "SELECT r.as_of FROM insiders.runs r JOIN insiders.current_run USING (run_id)"
    )
    assert moment == [("2026-01-05 12:00:00",)]
    print(f"\n  superseded by a later one: {len(superseded)} of 2", end="")


def test_an_export_that_comes_late_does_not_replace_a_later_one(aws, export):
    before, current = aws.executions(), aws.postgres.ask(CURRENT)
    aws.upload("uploads/late.csv", export(1) + b"\n")
    output = aws.succeeded(aws.new_execution(before))
    assert output["superseded"]["Error"] == "Insiders.Superseded"
    assert aws.postgres.ask(CURRENT) == current


def test_stages_that_find_s3_busy_are_tried_again(aws, export):
    before, calls = aws.executions(), aws.calls()
    stages = ("PreprocessFunction", "EmbedFunction", "PublishFunction")
    for stage in stages:
        aws.cloud.recorder.faults[stage] = 3  # as often as the SDK tries by itself
    aws.upload("uploads/busy.csv", export(6))
    published(aws, aws.new_execution(before))
    for stage in stages:
        assert aws.calls()[stage] - calls[stage] == 2, stage
        errors = [a["errorType"] for a in aws.functions[stage].answers[-2:] if "errorType" in a]
        assert errors == ["Insiders.Unavailable"]


def test_a_function_that_is_killed_is_tried_once_more(aws, export):
    before, calls = aws.executions(), aws.calls()
    stage = aws.functions["EmbedFunction"]
    aws.cloud.recorder.before["EmbedFunction"] = stage.crash
    aws.upload("uploads/killed.csv", export(6) + b"\n")
    published(aws, aws.new_execution(before))
    assert aws.calls()["EmbedFunction"] - calls["EmbedFunction"] == 2
    assert stage.answers[-2]["errorType"] == "Runtime.ExitError"


def test_a_publisher_without_its_database_waits_for_it(aws, export):
    before, calls = aws.executions(), aws.calls()["PublishFunction"]
    aws.postgres.stop()
    try:
        aws.upload("uploads/down.csv", export(7))
        execution = aws.new_execution(before)
        wait_for("two attempts", lambda: aws.calls()["PublishFunction"] >= calls + 2, 120)
    finally:
        aws.postgres.start()
    published(aws, execution)


def test_bad_input_fails_once_is_recorded_and_somebody_is_told(aws):
    before, calls = aws.executions(), aws.calls()
    current = aws.postgres.ask(CURRENT)
    aws.messages()
    aws.upload("uploads/bad.csv", (HEAD + "1,2,three,four,five,six,7,UK\n" * 500).encode())
    execution = aws.new_execution(before)
    found = aws.finished(execution)
    assert (found["status"], found["error"]) == ("FAILED", "Insiders.BadInput")
    assert aws.calls()["PreprocessFunction"] == calls["PreprocessFunction"] + 1
    name = execution.rsplit(":", 1)[1]
    told = wait_for("a message", aws.messages)
    for record in (aws.get(f"runs/failed/{name}.json"), told[0]):
        assert record["error"] == "Insiders.BadInput"
        assert "uploads/bad.csv" in record["cause"]
        assert record["execution"] == execution
    assert aws.postgres.ask(CURRENT) == current


def test_a_large_bad_export_leaves_no_table_and_no_broken_upload(aws):
    before = aws.executions()
    words = random.Random(1)
    rows = (f"{words.getrandbits(320):x},2,x,4,five,six,7,UK" for _ in range(400_000))
    body = "\n".join([HEAD.strip(), *rows]).encode()
    tables = keys(aws, ".parquet")
    aws.upload("uploads/bad-large.csv", body)
    found = aws.finished(aws.new_execution(before))
    assert (found["status"], found["error"]) == ("FAILED", "Insiders.BadInput")
    assert keys(aws, ".parquet") == tables
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_failure_after_the_run_is_decided_is_written_next_to_it(aws, export):
    before = aws.executions()
    aws.messages()
    aws.postgres.ask("ALTER TABLE insiders.runs RENAME TO runs_gone")
    try:
        aws.upload("uploads/refused.csv", export(8))
        found = aws.finished(aws.new_execution(before))
    finally:
        aws.postgres.ask("ALTER TABLE insiders.runs_gone RENAME TO runs")
    assert found["status"] == "FAILED" and found["error"].startswith("Insiders."), found
    (record,) = wait_for("a message", aws.messages)
    (key,) = keys(aws, "/failure.json")
    assert aws.get(key)["cause"] == record["cause"]


def by_schedule(aws, schedule, moment):
    """The run of a schedule's execution; the same event again starts none."""
    before = aws.executions()
    text = template.schedule_input(schedule, moment)
    aws.cloud.start(aws.intake, text)
    execution = aws.new_execution(before)
    run_id = published(aws, execution)
    assert aws.finished(aws.cloud.start(aws.intake, text))["status"] == "SUCCEEDED"
    assert aws.executions() - before == {execution}
    return run_id


def test_the_daily_schedule_applies_the_champion_to_the_newest_export_once(aws, export):
    time.sleep(1.1)  # S3 counts in seconds
    before = aws.executions()
    aws.upload("uploads/newest.csv", export(9))
    run_id = published(aws, aws.new_execution(before))
    calls = aws.calls()
    # The upload's own run did all of it.
    assert by_schedule(aws, "DailySchedule", "2026-11-12T04:00:00Z") == run_id
    assert aws.calls()["EmbedFunction"] == calls["EmbedFunction"]
    manifest = aws.get(f"runs/{run_id}/manifest.json")
    assert (manifest["action"], manifest["source"]["key"]) == ("apply", "uploads/newest.csv")
    assert manifest["model_version"] == aws.get("models/champion.json")["version"]


def gates(aws, text):
    """Sets what a refit has to reach."""
    aws.s3.put_object(Bucket=BUCKET, Key="config/insiders.toml", Body=text.encode())


def test_a_monthly_fit_that_misses_a_gate_changes_nothing_and_somebody_is_told(aws):
    gates(aws, "[gates]\nmin_silhouette = 0.999\n")
    champion, current = aws.get("models/champion.json"), aws.postgres.ask(CURRENT)
    aws.messages()
    before = aws.executions()
    text = template.schedule_input("MonthlySchedule", "2026-11-01T05:00:00Z")
    aws.cloud.start(aws.intake, text)
    output = aws.succeeded(aws.new_execution(before))
    assert output["not_promoted"]["Error"] == "Insiders.NotPromoted"
    (told,) = wait_for("a message", aws.messages)
    assert "min_silhouette" in told["cause"]
    # The models are there for who wants to promote them; nobody uses them.
    version = aws.get(f"runs/{output['run']['run_id']}/manifest.json")["model_version"]
    assert aws.get(f"models/{version}/manifest.json")["version"] == version != champion["version"]
    assert aws.get("models/champion.json")["version"] == champion["version"]
    assert aws.postgres.ask(CURRENT) == current


def test_the_monthly_schedule_fits_new_models_that_are_used_from_then_on(aws, export):
    # Of a shop as small as this one, two days apart, a refit may look like another shop's.
    gates(
        aws,
        "[gates]\nmin_silhouette = -1.0\nmin_stability = -1.0\nmax_moved_share = 1.0\n"
        "max_share_shift = 1.0\nmax_psi = 100.0\nmax_ks = 1.0\n",
    )
    before = aws.executions()
    aws.upload("uploads/december.csv", export(10))
    applied = published(aws, aws.new_execution(before))
    champion = aws.get("models/champion.json")
    run_id = by_schedule(aws, "MonthlySchedule", "2026-12-01T05:00:00Z")
    manifest = aws.get(f"runs/{run_id}/manifest.json")
    version = manifest["model_version"]
    assert (manifest["mode"], manifest["action"]) == ("fit", "fit")
    assert manifest["source"]["key"] == "uploads/december.csv"
    assert run_id != applied and version != champion["version"]
    # The models exist, were fitted to this run's features, and are the champion.
    bundle = aws.get(f"models/{version}/manifest.json")
    assert bundle["training_sha256"] == manifest["artifacts"]["features.parquet"]["sha256"]
    assert bundle["training_customers"] == manifest["customers"]
    assert bundle["lineage"]["predecessor"] == champion["version"]
    moved = aws.get("models/champion.json")
    assert moved["version"] == version
    assert moved["history"][:-1] == champion["history"]
    last = moved["history"][-1]
    assert (last["version"], last["cause"], last["run_id"]) == (version, "fit", run_id)
    # Readers see the new run, in the same number of customers.
    assert aws.postgres.ask(CURRENT) == [(run_id, str(manifest["customers"]))]
    assert manifest["publication"]["current"] and manifest["promotion"]["promoted"]
    # The next day's run is that fit's own: the same data and the same models.
    assert by_schedule(aws, "DailySchedule", "2026-12-02T04:00:00Z") == run_id


def test_an_export_of_other_customers_shows_in_the_figures(aws, export):
    """Customers who bought one thing once, and a row that can't be read: both are said."""
    before = aws.executions()
    head, *rows = csv.reader(export(11).decode("latin-1").splitlines())
    first = {}
    for row in rows[:-1]:
        first.setdefault(row[6] or row[0], row)
    once = list(first.values())
    once[7][4] = "yesterday"
    text = io.StringIO()
    csv.writer(text).writerows([head, *once, rows[-1]])
    aws.upload("uploads/other-customers.csv", text.getvalue().encode("latin-1"))
    run_id = published(aws, aws.new_execution(before))
    (shift,) = (line for line in figures(aws, "SegmentShareShift") if line["run_id"] == run_id)
    assert shift["SegmentShareShift"] > template.properties("SegmentShareShift")["Threshold"]
    quarantined = figures(aws, "RowsQuarantined")
    (by_reason,) = (x for x in quarantined if "Reason" in x and x["run_id"] == run_id)
    assert (by_reason["Reason"], by_reason["RowsQuarantined"]) == ("date", 1.0)


def test_uploads_that_add_up_are_one_history(aws, export):
    """Where the settings say append, the second upload's run has the rows of both."""
    aws.s3.put_object(
        Bucket=BUCKET, Key="config/insiders.toml", Body=b"[source]\nhistory = 'append'\n"
    )
    rows = []
    for number in (12, 13):
        before = aws.executions()
        aws.upload(f"uploads/part-{number}.csv", export(number))
        run_id = published(aws, aws.new_execution(before))
        rows.append(aws.get(f"runs/{run_id}/manifest.json")["counts"]["rows_read"])
    aws.s3.delete_object(Bucket=BUCKET, Key="config/insiders.toml")
    assert rows[1] > rows[0] > 0
