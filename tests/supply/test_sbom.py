"""What the programs are made of is all told, and told in the standard's words."""

import json
import pathlib
import subprocess
import tomllib

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]


def made():
    return subprocess.run([ROOT / "tools/sbom.py"], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def text():
    return made()


def test_it_is_cyclonedx(text):
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error


def test_it_lists_every_crate_of_the_lock_with_its_checksum(text):
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    expected = {(p["name"], p["version"]): p.get("checksum") for p in lock}
    found = {
        (c["name"], c["version"]): next((h["content"] for h in c.get("hashes", [])), None)
        for c in json.loads(text)["components"]
    }
    assert found == expected
    print(f"\n{len(found)} crates, {sum(1 for v in found.values() if v)} with a checksum")


def test_every_crate_has_a_licence(text):
    without = [c["name"] for c in json.loads(text)["components"] if "licenses" not in c]
    assert without == []


def test_what_only_tests_need_is_marked(text):
    scopes = {c["name"]: c["scope"] for c in json.loads(text)["components"]}
    assert scopes["proptest"] == "excluded"
    assert scopes["parquet"] == scopes["insiders"] == "required"


def test_the_same_lock_gives_the_same_bytes(text):
    assert made() == text
