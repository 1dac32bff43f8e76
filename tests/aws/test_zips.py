"""What `sam build` made is the same wherever it is made: programs without a path of this machine,
zips without a time. That a second build elsewhere gives the same bytes is held by
`tools/reproduce`, which takes as long as a build."""

import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest
from local_aws import template

ROOT = template.ROOT
HOME = pathlib.Path.home()
CARGO = pathlib.Path(os.environ.get("CARGO_HOME", HOME / ".cargo"))


def sam_built(function):
    if "INSIDERS_BIN" in os.environ:
        pytest.skip("SKIPPED: INSIDERS_BIN names programs that sam did not build")
    return template.bootstrap(function)


@pytest.mark.parametrize("function", template.FUNCTIONS)
def test_a_program_names_no_place_of_where_it_was_built(function):
    program = sam_built(function).read_bytes()
    for place in (ROOT, HOME, CARGO, pathlib.Path.cwd()):
        assert len(place.parts) > 1 and bytes(place) + b"/" not in program, place
    # Paths of crates are there, under another name: so what was looked for would have been found.
    assert program.count(b"/cargo/registry/src/") > 100


def test_a_zip_depends_on_what_is_in_it_alone(tmp_path):
    program = sam_built("PreprocessFunction")
    sam = shutil.which("sam")
    assert sam, "sam is not on the PATH: pip install aws-sam-cli"
    python = pathlib.Path(sam).resolve().parent / "python"
    copy = tmp_path / "elsewhere" / "bootstrap"
    copy.parent.mkdir()
    shutil.copy(program, copy)
    os.utime(copy, (1_000_000_000, 1_000_000_000))

    def digest(folder):
        command = [python, ROOT / "tools" / "zipped.py", folder]
        zipped = subprocess.run(command, check=True, capture_output=True).stdout
        assert zipped.startswith(b"PK")
        return hashlib.sha256(zipped).hexdigest()

    first = digest(program.parent)
    assert first == digest(copy.parent)
    copy.write_bytes(program.read_bytes()[:-1] + b"\xff\xff")
    assert first != digest(copy.parent)
