"""Which IAM actions a request needs, and whether a role allows them."""

import fnmatch
import json
import urllib.parse

from .template import KEY_ARN

DECRYPT, DATA_KEY = ("kms:Decrypt", KEY_ARN), ("kms:GenerateDataKey", KEY_ARN)


def needed(request):
    """(action, resource) pairs of a recorded request. The bucket and the topic are encrypted
    by the application's key, which their caller needs too."""
    if request.service == "s3":
        return of_s3(request)
    if request.service == "sns":
        topic = urllib.parse.parse_qs(request.body.decode())["TopicArn"][0]
        return {("sns:Publish", topic), DECRYPT, DATA_KEY}
    if request.service == "states":
        action = request.target.rpartition(".")[2]
        body = json.loads(request.body)
        return {(f"states:{action}", body["stateMachineArn"])}
    raise AssertionError(f"no action is known for {request}")


def of_s3(request):
    bucket, _, key = request.path.lstrip("/").partition("/")
    resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    list_bucket = ("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    if request.method in ("GET", "HEAD"):
        if not key:
            return {list_bucket}
        action = "s3:GetObjectVersion" if "versionId" in request.query else "s3:GetObject"
        # S3 says that an object is missing, in place of forbidden, only to who may list.
        if request.missing:
            return {(action, resource), list_bucket}
        return {(action, resource), DECRYPT}
    if request.method == "DELETE" and "uploadId" in request.query:
        return {("s3:AbortMultipartUpload", resource)}
    if request.method in ("PUT", "POST"):
        parts = {"uploads", "uploadId"} & request.query.keys()
        keys = {DATA_KEY, DECRYPT} if parts else {DATA_KEY}
        return {("s3:PutObject", resource), *keys}
    raise AssertionError(f"no action is known for {request}")


def allows(statements, call):
    """Those of a role's statements that allow a call."""
    action, resource = call
    return {s for s in statements if s[0] == action and fnmatch.fnmatchcase(resource, s[1])}


def judged(allowed, calls):
    """What a role lacks for its calls, and what it has and none of them needs."""
    by_call = {call: allows(allowed, call) for call in calls}
    lacking = {call for call, by in by_call.items() if not by}
    return lacking, allowed - set().union(*by_call.values())
