"""What the tests take from the application's own template."""

import json
import pathlib

from cfnlint.decode import cfn_yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEMPLATE = cfn_yaml.load(str(ROOT / "template.yaml"))
ACCOUNT, REGION = "123456789012", "eu-west-1"
FUNCTIONS = ("PreprocessFunction", "EmbedFunction", "PublishFunction")


def properties(name):
    return TEMPLATE["Resources"][name]["Properties"]


def binary(function):
    return TEMPLATE["Resources"][function]["Metadata"]["BuildProperties"]["Binary"]


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


def statements(function, bucket):
    """(action, resource) pairs of S3 that a function's role allows."""
    names = {"Bucket.Arn": f"arn:aws:s3:::{bucket}"}

    def resolved(resource):
        if isinstance(resource, str):
            return resource
        if "Fn::Sub" in resource and isinstance(resource["Fn::Sub"], str):
            return resource["Fn::Sub"].replace("${Bucket.Arn}", names["Bucket.Arn"])
        if "Fn::GetAtt" in resource:
            return names.get(".".join(resource["Fn::GetAtt"]), "")
        return ""

    def listed(value):
        return value if isinstance(value, list) else [value]

    return [
        (action, resolved(resource))
        for policy in properties(function)["Policies"]
        for statement in policy["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if action.startswith("s3:")
    ]
