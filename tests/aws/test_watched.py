"""What all the tests before have left in logs, figures and requests."""

import json

from local_aws import access, runtime, template
from local_aws.deployment import BUCKET, figures, keys


def test_each_line_says_which_run_and_which_stage(aws):
    runs, named = {key.split("/")[1] for key in keys(aws, "/transactions.parquet")}, set()
    for name, function in aws.functions.items():
        for line in function.lines():
            assert line["stage"] == template.binary(name)
            assert {"run_id", "request_id", "xray_trace_id"} <= line.keys(), line
            assert "_aws" in line or {"timestamp", "level", "message"} <= line.keys(), line
            # Only the first stage has to find out which run its event is about.
            assert line["run_id"] or name == "PreprocessFunction", line
            named.add((name, line["run_id"]))
    # Each stage has said something of each run; the publisher of those that came to it.
    manifests = {key.split("/")[1] for key in keys(aws, "/manifest.json")}
    for name, served in zip(template.FUNCTIONS, (runs, manifests, manifests)):
        assert served <= {run_id for function, run_id in named if function == name}, name


def test_the_trace_is_in_the_log_and_goes_on_to_s3(aws):
    root = "1-6b06b2e5-08a390727d0b5d7c3cd3f2eb"
    # Of the models that are the champion now: complete already.
    event = {"source": {"bucket": BUCKET, "key": "uploads/fit-in-shards.csv"}}
    name = "PreprocessFunction"
    earlier = len(aws.cloud.recorder.of(name))
    answer, lines = runtime.served(
        template.bootstrap(name),
        aws.environment(name),
        event,
        f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1",
    )
    assert answer["already_complete"] and lines
    assert {line["xray_trace_id"] for line in lines} == {root}
    requests = aws.cloud.recorder.of(name)[earlier:]
    assert requests and all(f"Root={root};" in request.trace for request in requests)


def test_every_metric_that_is_looked_at_is_written(aws):
    """Names and dimensions, by the alarms and the dashboard; and each declared figure is there."""
    written = set()
    for function in aws.functions.values():
        for line in (line for line in function.lines() if "_aws" in line):
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            (dimensions,) = directive["Dimensions"]
            assert line["Stage"] == "test" and set(dimensions) <= line.keys()
            for metric in directive["Metrics"]:
                assert isinstance(line[metric["Name"]], float), metric
                written.add((directive["Namespace"], metric["Name"], *dimensions))
    assert template.watched() <= written, template.watched() - written
    by = {(name, *dimensions) for _, name, *dimensions in written}
    assert by >= {
        *((name, "Stage") for name in ("RowsRead", "RowsKept", "RowsDropped", "RowsQuarantined")),
        *((name, "Stage") for name in ("Customers", "Guests", "Silhouette", "Inertia")),
        *((name, "Stage") for name in ("SourceBytes", "ArtifactBytes", "CustomersPublished")),
        ("RowsDropped", "Stage", "Rule"),
        ("RowsQuarantined", "Stage", "Reason"),
        ("SegmentShare", "Stage", "Segment"),
        *((name, "Stage", "Function") for name in ("ColdStart", "InitSeconds", "StageSeconds")),
        *((name, "Stage", "Function") for name in ("PeakMemoryBytes", "EstimatedCostUsd")),
    }
    # A process a function, but for the one that was killed: its first event is a cold start.
    for name in aws.functions:
        starts = [line["ColdStart"] for line in aws.functions[name].lines() if "ColdStart" in line]
        assert starts[0] == 1.0 and len(starts) > 2, name
        assert sum(starts) == (2.0 if name == "EmbedFunction" else 1.0), name
    # Of one event: rows dropped by all rules are the rows dropped.
    for rows in figures(aws, "RowsRead"):
        of_event = [x for x in figures(aws, "Rule") if x["request_id"] == rows["request_id"]]
        assert len(of_event) == 7
        assert sum(line["RowsDropped"] for line in of_event) == rows["RowsDropped"] > 0


def test_the_publisher_signs_in_by_the_token_that_aws_makes(aws):
    """The stand-in for RDS compares each with botocore's for the same key, user and second."""
    assert not aws.rds.refused
    assert set(aws.rds.connections) == {("PublishFunction", template.parameter("DatabaseUser"))}


def test_each_role_allows_what_is_called_in_its_name_and_nothing_else(aws):
    """It judges the calls of all the tests before."""
    known = template.names(BUCKET, aws.topic)
    calls = {role: set() for role in (*template.FUNCTIONS, *template.MACHINES)}
    for role, called in calls.items():
        for request in aws.cloud.recorder.of(role):
            called |= access.needed(request)
    for role, function in aws.api.requests:
        calls[role].add(("lambda:InvokeFunction", template.function_arn(function)))
    for key, user in aws.rds.connections:
        arn = f"arn:aws:rds-db:{template.REGION}:{template.ACCOUNT}:dbuser:"
        calls[key].add(("rds-db:connect", f"{arn}{template.DATABASE_ID}/{user}"))
    calls["TriggerRole"] = template.needed_by_triggers(known)
    for role, called in calls.items():
        lacking, unused = access.judged(template.statements(role, known), called)
        if role in template.MACHINES:
            # The service delivers its own log: actions that know no resource, and no other
            # is allowed on every resource.
            delivery = {(action, "*") for action in template.LOG_DELIVERY}
            assert delivery <= unused
            unused -= delivery
        if role == "Pipeline":
            # What the service itself calls for a Map and for `.sync`, out of sight here.
            own = {statement for statement in unused if statement[0] in template.OWN_OF_PIPELINE}
            assert {action for action, _ in own} == template.OWN_OF_PIPELINE
            unused -= own
        assert called and not lacking, f"{role} may not {lacking}"
        assert not unused, f"{role} never needs {unused}"
        print(f"\n  {role}: {sorted({action for action, _ in called})}", end="")


def test_no_log_carries_a_customers_row(aws):
    for function in aws.functions.values():
        text = json.dumps(function.lines())
        for word in ("three,four", "LAST PURCHASE", "85123A", "yesterday"):
            assert word not in text
