#!/usr/bin/env python3
"""template.yaml as CloudFormation is given it: SAM's globals, roles and aliases written out.

    tools/expand_template.py [TEMPLATE] > expanded.json

It needs aws-sam-translator, which `sam` itself is built on.
"""

import json
import os
import pathlib
import sys

# SAM asks for it to know the partition; no call is made.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What `sam package` uploads first and names by where it is then.
LOCAL = ("CodeUri", "ContentUri", "DefinitionUri")


class NoManagedPolicies:
    """The template names no managed policy by a short name, so none has to be looked up."""

    def load(self):
        return {}


def expanded(template):
    for resource in template["Resources"].values():
        for name in LOCAL:
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://packaged/by-sam"
    return transform(template, {}, NoManagedPolicies())


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "template.yaml"
    json.dump(expanded(yaml_parse(path.read_text())), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
