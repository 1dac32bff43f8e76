"""Which IAM action a request to S3 needs."""

import fnmatch


def needed(method, path, query, missing):
    """(action, resource) pairs of a path-style request. S3 says that an object is missing, in
    place of forbidden, only to who may list the bucket."""
    calls = {action_of(method, path, query)}
    if missing:
        calls.add(("s3:ListBucket", f"arn:aws:s3:::{path.lstrip('/').partition('/')[0]}"))
    return calls


def action_of(method, path, query):
    bucket, _, key = path.lstrip("/").partition("/")
    resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    if method in ("GET", "HEAD"):
        if not key:
            return "s3:ListBucket", resource
        return "s3:GetObjectVersion" if "versionId" in query else "s3:GetObject", resource
    if method == "DELETE" and "uploadId" in query:
        return "s3:AbortMultipartUpload", resource
    if method in ("PUT", "POST"):
        return "s3:PutObject", resource
    raise AssertionError(f"no action is known for {method} {path} {query}")


def allows(statements, call):
    """Those of a role's statements that allow a call."""
    action, resource = call
    return {s for s in statements if s[0] == action and fnmatch.fnmatchcase(resource, s[1])}
