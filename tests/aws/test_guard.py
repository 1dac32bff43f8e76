"""The rules of infra/guard hold for the template as CloudFormation is given it, and each of them
fails where what it is about is broken.

It needs `cfn-guard`: CFN_GUARD, or tools/install_cfn_guard DIR and the folder on the PATH."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from expand_template import expanded  # noqa: E402

RULES = sorted((ROOT / "infra" / "guard").glob("*.guard"))
FILES = {name: path for path in RULES for name in re.findall(r"(?m)^rule (\w+)", path.read_text())}
NAMES = set(FILES)
KEY = {"Fn::GetAtt": ["Key", "Arn"]}


def read():
    return yaml_parse((ROOT / "template.yaml").read_text())


def judged(template, files=RULES):
    """What cfn-guard says of each rule."""
    document = json.dumps(expanded(template))
    payload = json.dumps({"rules": [path.read_text() for path in files], "data": [document]})
    command = [os.environ.get("CFN_GUARD", "cfn-guard"), "validate", "--payload"]
    command += ["--structured", "--output-format", "json", "--show-summary", "none"]
    ran = subprocess.run(command, input=payload, capture_output=True, text=True)
    # 0: all hold; 19: some don't. Anything else is no verdict.
    assert ran.returncode in (0, 19), f"{ran.returncode}: {ran.stderr[:2000]}"
    (report,) = json.loads(ran.stdout)
    said = {rule["Rule"]["name"]: "FAIL" for rule in report["not_compliant"]}
    said |= dict.fromkeys(report["compliant"], "PASS")
    said |= dict.fromkeys(report["not_applicable"], "SKIP")
    return said


def at(template, path):
    """The last object of a path and its last name: 'Bucket.Properties.VersioningConfiguration'."""
    *way, last = [int(name) if name.isdigit() else name for name in path.split("/")]
    value = template["Resources"]
    for name in way:
        value = value[name]
    return value, last


def put(path, value):
    def change(template):
        owner, last = at(template, path)
        owner[last] = value

    return change


def without(path):
    def change(template):
        owner, last = at(template, path)
        del owner[last]

    return change


def also(path, value):
    """One more in a list, or a second one beside the only one."""

    def change(template):
        owner, last = at(template, path)
        found = owner[last]
        # A copy: an alias of the template stands for one list in several roles.
        owner[last] = (found if isinstance(found, list) else [found]) + [value]

    return change


def resource(name, type_, **properties):
    return put(name, {"Type": type_, "Properties": properties})


def statement(action, resource_, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource_, **more}


def allows(action, resource_, **more):
    """One more statement in the role of the second function."""
    return also("EmbedFunction/Properties/Policies/0/Statement", statement(action, resource_, **more))


RUNS = {"Fn::Sub": "${Bucket.Arn}/runs/*"}
B, D, P = "Bucket/Properties", "Database/Properties", "PublishFunction/Properties"
TLS = "BucketPolicy/Properties/PolicyDocument/Statement/0"
ENV = f"{P}/Environment/Variables"
GROUP = "DatabaseGroup/Properties/SecurityGroupIngress"
PUBLISHER_OUT = "PublisherGroup/Properties/SecurityGroupEgress"
ENDPOINT = "S3Endpoint/Properties/PolicyDocument/Statement"

# How each rule's promise can be broken.
BREACHES = {
    "bucket_is_not_public": [
        put(f"{B}/PublicAccessBlockConfiguration/BlockPublicAcls", False),
        put(f"{B}/PublicAccessBlockConfiguration/BlockPublicPolicy", False),
        put(f"{B}/PublicAccessBlockConfiguration/IgnorePublicAcls", False),
        put(f"{B}/PublicAccessBlockConfiguration/RestrictPublicBuckets", False),
        without(f"{B}/PublicAccessBlockConfiguration"),
        put(f"{B}/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter"),
        put(f"{B}/AccessControl", "PublicRead"),
        put(f"{B}/WebsiteConfiguration", {"IndexDocument": "report.html"}),
    ],
    "bucket_is_encrypted_by_our_key": [
        without(f"{B}/BucketEncryption"),
        put(f"{B}/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault", {"SSEAlgorithm": "AES256"}),
    ],
    "bucket_is_read_by_tls_alone": [
        without("BucketPolicy"),
        put(f"{TLS}/Condition", {"Bool": {"aws:SecureTransport": "true"}}),
        put(f"{TLS}/Action", "s3:PutObject"),
        put(f"{TLS}/Principal", {"AWS": "123456789012"}),
        put(f"{TLS}/Resource", [{"Fn::GetAtt": ["Bucket", "Arn"]}]),
        also("BucketPolicy/Properties/PolicyDocument/Statement", statement("s3:GetObject", RUNS, Principal="*")),
    ],
    "data_outlives_the_stack": [
        put("Bucket/DeletionPolicy", "Delete"),
        without("Bucket/UpdateReplacePolicy"),
        put(f"{B}/VersioningConfiguration/Status", "Suspended"),
        put("Key/DeletionPolicy", "Delete"),
        without("Key/UpdateReplacePolicy"),
    ],
    "key_is_the_accounts_and_rotated": [
        put("Key/Properties/EnableKeyRotation", False),
        put("Key/Properties/KeyPolicy/Statement/0/Principal", {"AWS": "*"}),
        without("Key/Properties/KeyPolicy/Statement/1/Condition"),
        without("Key/Properties/KeyPolicy/Statement/2/Condition"),
        also("Key/Properties/KeyPolicy/Statement/2/Action", "kms:CreateGrant"),
    ],
    "roles_name_their_actions": [
        allows("s3:Get*", RUNS),
        allows(["s3:GetObject", "s3:*"], RUNS),
        also("TriggerRole/Properties/Policies/0/PolicyDocument/Statement", statement("sqs:*", {"Fn::GetAtt": ["LostTriggers", "Arn"]})),
        also("EmbedFunction/Properties/Policies/0/Statement", {"Effect": "Allow", "NotAction": "iam:*", "Resource": RUNS}),
    ],
    "roles_name_their_resources": [
        allows("kms:Decrypt", "*"),
        allows("lambda:InvokeFunction", ["*", {"Fn::GetAtt": ["EmbedFunction", "Arn"]}]),
        allows("sns:Publish", "arn:aws:sns:eu-west-1:123456789012:theirs"),
        also("EmbedFunction/Properties/Policies/0/Statement", {"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": KEY}),
        also("Intake/Properties/Policies/0/Statement/1/Action", "logs:FilterLogEvents"),
    ],
    "roles_name_their_prefixes": [
        allows("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/*"}),
        allows("s3:PutObject", [RUNS, {"Fn::Sub": "${Bucket.Arn}/r*"}]),
        allows("s3:GetObject", {"Fn::GetAtt": ["Bucket", "Arn"]}),
        allows(["s3:GetObject", "s3:ListBucket"], {"Fn::GetAtt": ["Bucket", "Arn"]}),
        allows("s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::theirs/runs/*"}),
    ],
    "publisher_signs_in_as_one_user": [
        also(f"{P}/Policies/0/Statement", statement("rds-db:connect", {"Fn::Sub": ["arn:aws:rds-db:eu-west-1:1:dbuser:${Id}/*", {"Id": "a"}]})),
        also(f"{P}/Policies/0/Statement", statement("rds:ModifyDBInstance", {"Fn::GetAtt": ["Database", "DBInstanceArn"]})),
    ],
    "roles_delete_nothing": [
        allows("s3:DeleteObject", RUNS),
        also("SparkRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource", RUNS),
        allows(["s3:GetObject", "s3:DeleteObjectVersion"], RUNS),
        allows("logs:DeleteLogGroup", {"Fn::GetAtt": ["EmbedLogs", "Arn"]}),
    ],
    "roles_change_no_rights": [
        allows("iam:PassRole", {"Fn::GetAtt": ["TriggerRole", "Arn"]}),
        allows("sts:AssumeRole", {"Fn::GetAtt": ["TriggerRole", "Arn"]}),
        allows("s3:PutObjectAcl", RUNS),
        allows("kms:PutKeyPolicy", KEY),
        allows("kms:CreateGrant", KEY),
        allows("lambda:AddPermission", {"Fn::GetAtt": ["EmbedFunction", "Arn"]}),
    ],
    "roles_have_no_broad_policy": [
        also("EmbedFunction/Properties/Policies", "arn:aws:iam::aws:policy/AmazonS3FullAccess"),
        put("TriggerRole/Properties/ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        also("MonitoringRole/Properties/ManagedPolicyArns", {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/PowerUserAccess"}),
    ],
    "roles_are_taken_by_services_alone": [
        put("TriggerRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", {"AWS": "*"}),
        put("TriggerRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", {"Federated": "accounts.example.com"}),
        put("MonitoringRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", {"Service": "ec2.amazonaws.com"}),
    ],
    "nobody_else_has_rights": [
        resource("Somebody", "AWS::IAM::User"),
        resource("Keys", "AWS::IAM::AccessKey", UserName="somebody"),
        resource("More", "AWS::IAM::Policy", PolicyName="more", PolicyDocument={}),
        put(f"{P}/FunctionUrlConfig", {"AuthType": "NONE"}),
        resource("Anybody", "AWS::Lambda::Permission", Principal="*", Action="lambda:InvokeFunction", FunctionName={"Ref": "EmbedFunction"}),
    ],
    "functions_have_no_secrets": [
        put(f"{ENV}/DATABASE_PASSWORD", "hunter2"),
        put(f"{ENV}/NOTE", {"Fn::Sub": "{{resolve:secretsmanager:shop}}"}),
        put(f"{ENV}/RUST_LOG", "debug"),
        put(f"{ENV}/STAGE", {"Ref": "DatabaseUser"}),
        put("EmbedFunction/Properties/Environment", {"Variables": {"BUCKET": "theirs"}}),
    ],
    "publisher_signs_in_without_a_password_over_tls": [
        put(f"{ENV}/DATABASE_AUTH", "password"),
        without(f"{ENV}/DATABASE_CA_FILE"),
        put(f"{ENV}/DATABASE_URL/Fn::Sub/0", "postgres://${DatabaseUser}:x@${Host}:${Port}/${DatabaseName}?sslmode=require"),
        put(f"{ENV}/DATABASE_URL/Fn::Sub/0", "postgres://${DatabaseUser}@${Host}:${Port}/${DatabaseName}?sslmode=prefer"),
        without(f"{P}/VpcConfig"),
        without(f"{P}/ReservedConcurrentExecutions"),
        put(f"{P}/ReservedConcurrentExecutions", 2),
    ],
    "functions_are_bounded_traced_and_encrypted": [
        without("EmbedFunction/Properties/Timeout"),
        put("EmbedFunction/Properties/Tracing", "PassThrough"),
        put("EmbedFunction/Properties/KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:key/theirs"),
        put("EmbedFunction/Properties/LoggingConfig/LogGroup", "theirs"),
    ],
    "functions_are_our_programs": [
        put("EmbedFunction/Properties/Runtime", "python3.12"),
        put("EmbedFunction/Properties/Layers", ["arn:aws:lambda:eu-west-1:123456789012:layer:theirs:1"]),
        also(f"{P}/Layers", "arn:aws:lambda:eu-west-1:123456789012:layer:theirs:1"),
    ],
    "logs_are_encrypted_and_end": [
        without("EmbedLogs/Properties/RetentionInDays"),
        without("PipelineLogs/Properties/KmsKeyId"),
        resource("MoreLogs", "AWS::Logs::LogGroup", LogGroupName="more"),
    ],
    "state_machines_log_no_data": [
        put("Pipeline/Properties/Logging/IncludeExecutionData", True),
        put("Intake/Properties/Logging", {"Level": "ALL", "IncludeExecutionData": True, "Destinations": [{}]}),
        without("Intake/Properties/Logging"),
        put("Intake/Properties/Tracing/Enabled", False),
    ],
    "database_is_not_public": [put(f"{D}/PubliclyAccessible", True), without(f"{D}/PubliclyAccessible")],
    "database_is_encrypted": [
        put(f"{D}/StorageEncrypted", False),
        without(f"{D}/KmsKeyId"),
        without(f"{D}/PerformanceInsightsKMSKeyId"),
    ],
    "database_knows_no_password_of_ours": [
        put(f"{D}/EnableIAMDatabaseAuthentication", False),
        without(f"{D}/ManageMasterUserPassword"),
        put(f"{D}/MasterUserPassword", {"Ref": "DatabaseUser"}),
    ],
    "database_speaks_tls_alone": [
        put("DatabaseParameters/Properties/Parameters/rds.force_ssl", "0"),
        without(f"{D}/DBParameterGroupName"),
    ],
    "database_can_be_had_back": [
        put("Database/DeletionPolicy", "Delete"),
        without("Database/UpdateReplacePolicy"),
        put(f"{D}/BackupRetentionPeriod", 0),
    ],
    "nothing_is_let_in_by_address": [
        also(GROUP, {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "0.0.0.0/0"}),
        put(f"{GROUP}/0/CidrIpv6", "::/0"),
        put(f"{GROUP}/0/FromPort", 0),
        put(f"{GROUP}/0/ToPort", 65535),
        resource("In", "AWS::EC2::SecurityGroupIngress", CidrIp="0.0.0.0/0", IpProtocol="-1"),
    ],
    "what_goes_out_is_named": [
        without(PUBLISHER_OUT),
        also(PUBLISHER_OUT, {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 443, "CidrIp": "0.0.0.0/0"}),
        also(PUBLISHER_OUT, {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 65535, "CidrIp": "0.0.0.0/0"}),
        put(f"{PUBLISHER_OUT}/0/CidrIpv6", "::/0"),
        put("DatabaseGroup/Properties/SecurityGroupEgress/0/CidrIp", "0.0.0.0/0"),
        resource("Out", "AWS::EC2::SecurityGroupEgress", CidrIp="0.0.0.0/0", IpProtocol="-1"),
    ],
    "no_way_out_of_the_vpc": [
        resource("Gate", "AWS::EC2::InternetGateway"),
        resource("Nat", "AWS::EC2::NatGateway", SubnetId={"Ref": "SubnetA"}),
        resource("Peers", "AWS::EC2::VPCPeeringConnection", VpcId={"Ref": "Vpc"}, PeerVpcId="vpc-1"),
    ],
    "s3_is_reached_for_runs_alone": [
        put(f"{ENDPOINT}/0/Resource", {"Fn::Sub": "${Bucket.Arn}/*"}),
        put(f"{ENDPOINT}/0/Action", "s3:*"),
        also(ENDPOINT, statement("s3:GetObject", "*", Principal="*")),
        without("S3Endpoint/Properties/PolicyDocument"),
    ],
    "messages_are_encrypted_by_our_key": [
        without("LostTriggers/Properties/KmsMasterKeyId"),
        put("Failures/Properties/KmsMasterKeyId", "alias/aws/sns"),
        without("DailySchedule/Properties/KmsKeyArn"),
    ],
    "messages_come_from_one_sender": [
        put("LostTriggersPolicy/Properties/PolicyDocument/Statement/0/Principal", "*"),
        without("FailuresPolicy/Properties/PolicyDocument/Statement/0/Condition"),
        put("FailuresPolicy/Properties/PolicyDocument/Statement/0/Action", "sns:*"),
    ],
    "triggers_are_not_lost": [
        without("MonthlySchedule/Properties/Target/DeadLetterConfig"),
        without("UploadRule/Properties/Targets/0/DeadLetterConfig"),
    ],
}


def test_every_rule_holds():
    said = judged(read())
    assert set(said) == NAMES
    assert {name for name, verdict in said.items() if verdict != "PASS"} == set()
    breaches = sum(len(changes) for changes in BREACHES.values())
    print(f"\n{len(said)} rules hold, {breaches} breaches are tried")


def test_every_rule_has_a_breach():
    assert set(BREACHES) == NAMES


@pytest.mark.parametrize(
    ("rule", "change"),
    [pytest.param(rule, change, id=f"{rule}-{n}") for rule in BREACHES for n, change in enumerate(BREACHES[rule])],
)
def test_a_breach_is_found_by_its_rule(rule, change):
    template = read()
    change(template)
    assert judged(template, [FILES[rule]])[rule] == "FAIL"
