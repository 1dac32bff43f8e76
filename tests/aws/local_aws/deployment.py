"""The application of template.yaml, deployed on the local services."""

import json
import os
import pathlib
import subprocess

from .cloud import Cloud
from .functions import Function, InvokeApi, emulator
from .net import wait_for
from .postgres import Postgres
from .rds import Rds
from .spark import Spark
from .template import (
    FUNCTIONS,
    REGION,
    ROOT,
    binary,
    bootstrap,
    definition,
    function_arn,
    machine_arn,
    parameter,
    role_arn,
    rule_pattern,
)

BUCKET = "insiders"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


class Deployment:
    def __init__(self, logs):
        self.postgres, self.cloud = Postgres(), Cloud()
        self.rds = Rds(self.postgres.port, logs)
        self.postgres.admit(parameter("DatabaseUser"))
        self.s3, self.states = self.cloud.client("s3"), self.cloud.client("stepfunctions")
        place = {"LocationConstraint": REGION}
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        versions = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versions)
        self.functions = {name: self._function(name, logs) for name in FUNCTIONS}
        self.api = InvokeApi(self.functions)
        self.cloud.lambda_url = self.api.url
        self._notify_by_queue()
        values = {f"{name}Arn": function_arn(name) for name in FUNCTIONS}
        values |= {"Bucket": BUCKET, "FailureTopicArn": self.topic}
        values |= {"SparkApplicationId": "spark", "SparkLogGroup": "/insiders/test/spark"}
        values |= {"SparkRoleArn": role_arn("SparkRole")}
        self.cloud.spark = Spark(self.cloud, BUCKET, logs)
        self.pipeline = self._machine("Pipeline", values)
        self.intake = self._machine("Intake", {"PipelineArn": self.pipeline})
        self._rule()

    def _function(self, name, logs):
        log = logs / f"{binary(name)}.log"
        return Function(emulator(), bootstrap(name), self.environment(name), log)

    def environment(self, name):
        return {
            "AWS_ENDPOINT_URL": self.cloud.url,
            "AWS_REGION": REGION,
            # One key a function: by it the recorder knows whose call it is.
            "AWS_ACCESS_KEY_ID": name,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "session/+=",
            "BUCKET": BUCKET,
            "STAGE": "test",
            "DATABASE_AUTH": "iam",
            "DATABASE_URL": self.rds.url(parameter("DatabaseUser")),
            "DATABASE_CA_FILE": str(self.rds.ca_file),
            "PUBLISH_CONNECTIONS": str(parameter("PublishConnections")),
            "SPARK_JOB": str(ROOT / "infra" / "spark"),
            # The emulator's limit for one invocation.
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "900",
        }

    def _notify_by_queue(self):
        sns, self.sqs = self.cloud.client("sns"), self.cloud.client("sqs")
        self.topic = sns.create_topic(Name="failures")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="mail")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        arn = arn["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def _machine(self, name, values):
        made = self.states.create_state_machine(
            name=name,
            definition=definition(name, values),
            roleArn=role_arn(name),
        )
        assert made["stateMachineArn"] == machine_arn(name)
        return made["stateMachineArn"]

    def _rule(self):
        events = self.cloud.client("events")
        events.put_rule(Name="upload", EventPattern=rule_pattern(BUCKET))
        events.put_targets(Rule="upload", Targets=[{"Id": "intake", "Arn": self.intake}])
        on = {"EventBridgeConfiguration": {}}
        self.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=on)

    def start(self, machine, request):
        return self.cloud.start(machine, json.dumps(request))

    def upload(self, key, body):
        """Puts an export and gives its version."""
        return self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]

    def executions(self):
        found = self.states.list_executions(stateMachineArn=self.pipeline)["executions"]
        return {execution["executionArn"] for execution in found}

    def new_execution(self, before):
        """The pipeline's one new execution since `before`."""
        new = wait_for("an execution of the pipeline", lambda: self.executions() - before)
        assert len(new) == 1, new
        return new.pop()

    def finished(self, execution, seconds=240):
        """What an execution came to."""

        def ended():
            found = self.states.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        return wait_for(f"the end of {execution}", ended, seconds, 0.2)

    def succeeded(self, execution, seconds=240):
        found = self.finished(execution, seconds)
        assert found["status"] == "SUCCEEDED", found.get("cause")
        return json.loads(found["output"])

    def get(self, key):
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def messages(self):
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        found = found.get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found]

    def calls(self):
        return {name: function.calls for name, function in self.functions.items()}

    def stop(self):
        self.api.stop()
        for function in self.functions.values():
            function.stop()
        self.cloud.stop()
        self.rds.stop()
        self.postgres.remove()


def generate(path, day):
    """An export of a made-up shop, with a last purchase on day `day` of 2026: the later the
    day, the later the run's moment."""
    command = [str(TARGET / "release" / "insiders"), "generate", "--rows", "4000"]
    command += ["--customers", "300", "--seed", "7", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    line = f"999{day:03},85123A,LAST PURCHASE,3,1/{day}/2026 12:00,2.55,12345,United Kingdom"
    return path.read_bytes() + f"{line}\n".encode()


def keys(aws, ending):
    """Keys of all runs that end so."""
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="runs/")
    found = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return [key for key in found if key.endswith(ending)]


def figures(aws, name):
    """Each line of metrics that has the figure, of any function."""
    lines = [line for f in aws.functions.values() for line in f.lines() if "_aws" in line]
    return [line for line in lines if name in line]
