"""What the tests take from the application's own template."""

import json
import os
import pathlib
import re

from cfnlint.decode import cfn_yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEMPLATE = cfn_yaml.load(str(ROOT / "template.yaml"))
ACCOUNT, REGION = "123456789012", "eu-west-1"
FUNCTIONS = ("PreprocessFunction", "EmbedFunction", "PublishFunction")
MACHINES = ("Pipeline", "Intake")
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:LostTriggers"
DATABASE_ID = "db-LOCAL"
# What a state machine needs for its own log; these actions know no resources.
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)

# What it needs to start and watch the executions of a Map's shards, and a job of Spark.
OWN_OF_PIPELINE = {
    *("states:StartExecution", "states:DescribeExecution", "states:StopExecution"),
    *("emr-serverless:StartJobRun", "emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"),
    *("iam:PassRole", "events:PutTargets", "events:PutRule", "events:DescribeRule"),
}


def properties(name):
    return TEMPLATE["Resources"][name]["Properties"]


def parameter(name):
    return TEMPLATE["Parameters"][name]["Default"]


def binary(function):
    return TEMPLATE["Resources"][function]["Metadata"]["BuildProperties"]["Binary"]


def bootstrap(function):
    """The program that is tested: what `sam build` made, or of the directory INSIDERS_BIN."""
    if named := os.environ.get("INSIDERS_BIN"):
        path = pathlib.Path(named).resolve() / binary(function)
    else:
        path = ROOT / ".aws-sam" / "build" / function / "bootstrap"
    if not path.exists():
        raise FileNotFoundError(f"{path}: sam build, or cargo build --release and INSIDERS_BIN")
    return path


def definition(machine, values):
    """A state machine's definition with the template's substitutions filled in."""
    wanted = properties(machine)["DefinitionSubstitutions"]
    text = (ROOT / properties(machine)["DefinitionUri"]).read_text()
    for name in wanted:
        text = text.replace("${%s}" % name, values[name])
    assert "${" not in text, "a substitution is missing in the template"
    return json.dumps(json.loads(text))


def rule_pattern(bucket):
    pattern = json.loads(json.dumps(properties("UploadRule")["EventPattern"]))
    pattern["detail"]["bucket"]["name"] = [bucket]
    return json.dumps(pattern)


def schedule_input(schedule, moment):
    """What the scheduler sends for `moment`."""
    text = properties(schedule)["Target"]["Input"]
    return text.replace("<aws.scheduler.scheduled-time>", moment)


def function_arn(function):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"


def machine_arn(machine):
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}"


def role_arn(role):
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def names(bucket, topic):
    """What the intrinsic functions of the policies stand for here."""
    return {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "Bucket": bucket,
        "Bucket.Arn": f"arn:aws:s3:::{bucket}",
        "Key.Arn": KEY_ARN,
        "Stage": "test",
        "Spark.Arn": f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/spark",
        "SparkRole.Arn": role_arn("SparkRole"),
        "Failures": topic,
        "LostTriggers.Arn": QUEUE_ARN,
        "Database.DbiResourceId": DATABASE_ID,
        "DatabaseUser": parameter("DatabaseUser"),
        **{f"{name}.Arn": function_arn(name) for name in FUNCTIONS},
        **{name: machine_arn(name) for name in MACHINES},
    }


def resolved(value, known):
    """A value without its intrinsic functions; a name that is not `known` is an error."""
    if not isinstance(value, dict):
        return value
    ((function, argument),) = value.items()
    if function == "Ref":
        return known[argument]
    if function == "Fn::GetAtt":
        return known[argument if isinstance(argument, str) else ".".join(argument)]
    if function == "Fn::If":
        return resolved(argument[1], known)  # a database is created
    assert function == "Fn::Sub", function
    text, more = argument if isinstance(argument, list) else (argument, {})
    known = known | {name: resolved(one, known) for name, one in more.items()}
    return re.sub(r"\$\{([^}]+)\}", lambda found: known[found[1]], text)


def statements(resource, known):
    """(action, resource) pairs that the role of a function, a state machine or a role allows."""

    def listed(value):
        return value if isinstance(value, list) else [value]

    return {
        (action, resolved(one, known))
        for policy in properties(resource)["Policies"]
        for statement in policy.get("PolicyDocument", policy)["Statement"]
        for action in listed(statement["Action"])
        for one in listed(statement["Resource"])
    }


def needed_by_triggers(known):
    """What the rule and the schedules need of their role: to start their target, and for a
    schedule, whose role does it all, to give up into its queue, which is encrypted."""
    calls = set()
    for name, resource in TEMPLATE["Resources"].items():
        schedule = resource["Type"] == "AWS::Scheduler::Schedule"
        if not schedule and resource["Type"] != "AWS::Events::Rule":
            continue
        for target in [properties(name)["Target"]] if schedule else properties(name)["Targets"]:
            assert target["RoleArn"] == {"Fn::GetAtt": ["TriggerRole", "Arn"]}, name
            calls.add(("states:StartExecution", resolved(target["Arn"], known)))
            if schedule:
                queue = resolved(target["DeadLetterConfig"]["Arn"], known)
                key = resolved(properties(name)["KmsKeyArn"], known)
                calls |= {("sqs:SendMessage", queue), ("kms:Decrypt", key)}
                calls.add(("kms:GenerateDataKey", key))
    return calls


def watched():
    """(namespace, metric, dimensions) of ours that an alarm or the dashboard is about."""
    found = set()
    for resource in TEMPLATE["Resources"].values():
        values = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and values.get("Namespace") == "Insiders":
            dimensions = [dimension["Name"] for dimension in values["Dimensions"]]
            found.add(("Insiders", values["MetricName"], *dimensions))
    (text,) = properties("Dashboard")["DashboardBody"].values()
    for widget in json.loads(re.sub(r"\$\{[^}]*\}", "x", text))["widgets"]:
        for first, *rest in widget["properties"]["metrics"]:
            if first == "Insiders":
                name, *dimensions = rest
                found.add((first, name, *dimensions[::2]))
            elif isinstance(first, dict):
                pattern = r"SEARCH\('\{(.*)\} MetricName=\"(\w+)\""
                schema, name = re.match(pattern, first["expression"]).groups()
                namespace, *dimensions = schema.split(",")
                found.add((namespace, name, *dimensions))
    return found
