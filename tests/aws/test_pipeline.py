"""From an event to rows in Postgres, through the template's own state machines."""

import json
import random
import threading
import time

from local_aws import access, template
from local_aws.deployment import BUCKET
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


def keys(aws, ending):
    """Keys of all runs that end so."""
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="runs/")
    found = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return [key for key in found if key.endswith(ending)]


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
    moment = aws.postgres.ask("SELECT r.as_of FROM insiders.runs r JOIN insiders.current_run USING (run_id)")
    assert moment == [("2030-01-05 12:00:00",)]
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


def test_a_schedule_takes_the_newest_export_once(aws, export):
    time.sleep(1.1)  # S3 counts in seconds
    before = aws.executions()
    aws.upload("uploads/newest.csv", export(9))
    run_id = published(aws, aws.new_execution(before))
    for schedule, mode in (("DailySchedule", "apply"), ("MonthlySchedule", "fit")):
        before = aws.executions()
        text = template.schedule_input(schedule, "2026-11-12T04:00:00Z")
        aws.cloud.start(aws.intake, text)
        execution = aws.new_execution(before)
        done = published(aws, execution)
        manifest = aws.get(f"runs/{done}/manifest.json")
        assert manifest["source"]["key"] == "uploads/newest.csv"
        assert done == run_id if mode == "apply" else manifest["action"] == "fit"
        assert aws.finished(aws.cloud.start(aws.intake, text))["status"] == "SUCCEEDED"
        assert aws.executions() - before == {execution}


def test_each_role_allows_what_its_function_calls_and_nothing_else(aws):
    """The last test: it judges the calls of all those before."""
    for function in template.FUNCTIONS:
        allowed = set(template.statements(function, BUCKET))
        calls = {
            call
            for key, *request in aws.cloud.recorder.requests
            if key == function
            for call in access.needed(*request)
        }
        assert calls, function
        used = set()
        for call in sorted(calls):
            by = access.allows(allowed, call)
            assert by, f"{function} may not {call}"
            used |= by
        unused = {action for action, _ in allowed} - {action for action, _ in used}
        assert not unused, f"{function} never calls {unused}"
        print(f"\n  {function}: {sorted({action for action, _ in calls})}", end="")


def test_no_log_carries_a_customers_row(aws):
    """Lines that say what a stage did are JSON; none quotes the export."""
    for function in aws.functions.values():
        function.log.flush()
        with open(function.log.name, encoding="utf-8", errors="replace") as log:
            text = log.read()
        assert "1,2,three,four" not in text
