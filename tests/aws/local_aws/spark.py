"""EMR Serverless in front of a real Spark: the job that a state machine starts is run by
spark-submit, on copies of the objects that it names."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import boto3
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name import (
    failure_event,
    states_error_name,
    states_error_name_type,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_unsupported as unsupported,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from .template import REGION

FAILED = states_error_name_type.StatesErrorNameType.StatesTaskFailed


def wait_for_job(self, env, **_):
    """What `.sync` adds to the service's answer: moto has it of other services alone."""
    ended = env.stack.pop()
    if ended["State" if "State" in ended else "state"] == "SUCCESS":
        return lambda: ended
    details = TaskFailedEventDetails(
        resource=self._get_sfn_resource(),
        resourceType=self._get_sfn_resource_type(),
        error=FAILED.to_name(),
        cause=to_json_str(ended),
    )
    event = failure_event.FailureEvent(
        env=env,
        error_name=states_error_name.StatesErrorName(typ=FAILED),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )
    raise failure_event.FailureEventException(event)


unsupported._SUPPORTED_INTEGRATION_PATTERNS.add(ResourceCondition.Sync)
unsupported.StateTaskServiceUnsupported._build_sync_resolver = wait_for_job


def spark_submit():
    """The program of SPARK_SUBMIT, or of the PATH; `None` where there is no Spark."""
    named = os.environ.get("SPARK_SUBMIT") or shutil.which("spark-submit")
    return named and pathlib.Path(named)


class Spark:
    """What moto's state machines call in place of the service's client."""

    def __init__(self, cloud, bucket, logs):
        self.cloud, self.bucket, self.jobs = cloud, bucket, []
        self.log = logs / "spark.log"

    def start_job_run(self, **asked):
        """Runs the job to its end, as `.sync` waits for it."""
        asked = named(asked)
        self.jobs.append(asked)
        submit = asked["JobDriver"]["SparkSubmit"]
        # Its role is its access key: by it the recorder knows whose calls these are.
        s3 = boto3.client(
            "s3",
            endpoint_url=self.cloud.url,
            region_name=REGION,
            aws_access_key_id=asked["ExecutionRoleArn"].rpartition("/")[2],
            aws_secret_access_key="secret",
        )
        with tempfile.TemporaryDirectory() as root:
            root = pathlib.Path(root)
            words = [submit["EntryPoint"], *submit["EntryPointArguments"]]
            words = [self.local(word, root, s3) for word in words]
            options = [self.local(word, root, s3) for word in submit["SparkSubmitParameters"].split()]
            folder = root / self.bucket / "runs" / asked["Name"] / "spark"
            folder.mkdir(parents=True, exist_ok=True)
            master = ["--master", "local[2]", "--conf", "spark.ui.enabled=false"]
            master += ["--conf", "spark.sql.shuffle.partitions=4"]
            command = [spark_submit(), *master, *options, *words]
            # The Python beside it has pyspark.
            beside = os.pathsep.join([str(spark_submit().parent), os.environ["PATH"]])
            with open(self.log, "ab") as log:
                ended = subprocess.run(
                    command, stdout=log, stderr=log, cwd=root, env=os.environ | {"PATH": beside}
                )
            for path in folder.rglob("*"):
                name = path.relative_to(root / self.bucket).as_posix()
                if path.is_file() and not path.name.startswith((".", "_")):
                    s3.put_object(Bucket=self.bucket, Key=name, Body=path.read_bytes())
        state = "FAILED" if ended.returncode else "SUCCESS"
        return {"jobRunId": str(len(self.jobs)), "state": state, "ResponseMetadata": {}}

    def local(self, word, root, s3):
        """A word of the command with a path for an object's URI; the object is there."""
        start = f"s3://{self.bucket}/"
        if not word.startswith(start):
            return word
        key = word.removeprefix(start)
        path = root / self.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        # What the job writes is not there yet.
        if not key.endswith("/spark"):
            path.write_bytes(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        return str(path)


def named(value):
    """A definition writes EntryPoint, the API entryPoint: the service takes the first."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: named(one) for key, one in value.items()}
    return value
