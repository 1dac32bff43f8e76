"""What the functions refuse, the job refuses with the same words."""

import gzip
import json
import random

import pytest
from conftest import Lambda
from dirty import HEADER
from insiders_spark import arguments, errors, failures, job, settings, uploads
from insiders_spark.storage import Storage

GOOD = "536365,85123A,THING,6,12/1/2010 8:26,2.55,17850,UK\n"
HEAD = HEADER + "\n"
FILES = {
    "empty": b"",
    "blank": b"\n\n\r\n",
    "zip": b"PK\x03\x04" + b"x" * 100,
    "parquet": b"PAR1" + b"x" * 100,
    "utf-16": (HEAD + GOOD).encode("utf-16"),
    "utf-16-le": (HEAD + GOOD).encode("utf-16-le"),
    "binary": b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
    "mark-alone": b"\xef\xbb\xbf",
    "no-header": GOOD.encode() * 3,
    "values-first": b"1,2,3\n",
    "no-price": HEAD.replace("UnitPrice,", "").encode(),
    "lower-case": HEAD.lower().encode(),
    "underscores": HEAD.replace("InvoiceNo", "Invoice_No").encode(),
    "twice": HEAD.replace("Country", "Quantity").encode(),
    "unclosed": ('"' + HEAD + GOOD).encode(),
    "too-long": b"x" * 70_000 + b"\n" + HEAD.encode(),
    "too-wide": (",".join(f"c{i}" for i in range(1_100)) + "\n").encode(),
    "semicolons": (HEAD + GOOD).replace(",", ";").encode(),
    "tabs": (HEAD + GOOD).replace(",", "\t").encode(),
    "cr-alone": (HEAD + GOOD).replace("\n", "\r").encode(),
    "nul": b"Invoice\0No,StockCode\n",
    "script": b"<script>alert(1)</script>,\x1b[2J,a\n",
    "packed-twice": gzip.compress(gzip.compress(HEAD.encode())),
}
ROWS = {
    "header-alone": HEAD,
    "unreadable": HEAD + GOOD * 9 + GOOD.replace("12/1/2010", "2010-12-01"),
    "returns": HEAD + GOOD.replace(",6,", ",-6,") * 3,
    "collision": HEAD
    + GOOD
    + GOOD.replace("17850", "")
    + GOOD
    + GOOD.replace("17850", "guest-536365"),
}


@pytest.fixture(scope="module")
def run(insiders, tmp_path_factory):
    """A run that there was, for its settings."""
    folder = tmp_path_factory.mktemp("run")
    export = folder / "shop.csv"
    rows = [GOOD.replace("17850", str(17_000 + i)).replace(",6,", f",{i + 1},") for i in range(20)]
    export.write_text(HEAD + "".join(rows))
    lambda_ = Lambda(insiders, folder)
    found = lambda_.run(export)
    assert not isinstance(found, str), found
    return found


def said_by_lambda(insiders, folder, name, data):
    lambda_ = Lambda(insiders, folder)
    (folder / name).write_bytes(data)
    said = lambda_.run(folder / name)
    assert isinstance(said, str)
    return said[said.index(f"uploads/{name}") :]


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_export(spark, insiders, run, tmp_path, kind):
    name = f"{kind}.csv.gz" if "packed" in kind else f"{kind}.csv"
    expected = said_by_lambda(insiders, tmp_path, name, FILES[kind])
    found = settings.read(json.dumps(run), "run")
    with pytest.raises(errors.BadInput) as error:
        uploads.look(Storage(spark), found, 0, str(tmp_path / name), f"uploads/{name}")
    assert str(error.value) == expected


@pytest.mark.parametrize("kind", ROWS)
def test_rows_that_make_no_run(spark, insiders, run, tmp_path, kind):
    name = f"{kind}.csv"
    expected = said_by_lambda(insiders, tmp_path, name, ROWS[kind].encode())
    words = ["--source", str(tmp_path / name), "--object", f"uploads/{name}"]
    words += ["--run", json.dumps(run), "--prefix", str(tmp_path / "out")]
    with pytest.raises(errors.BadInput) as error:
        job.run(spark, arguments.parse(words))
    if kind == "collision":
        # The id is a person's, and has no place in a log.
        expected = expected.replace("'guest-536365' is", "of this line is")
    assert str(error.value) == expected
    assert not (tmp_path / "out" / "quality.json").exists()


def test_a_damaged_gzip(spark, run, tmp_path):
    """One whose start looks well: an executor comes upon it."""
    random_ = random.Random(1)
    rows = [GOOD.replace("THING", random_.randbytes(20).hex()) for _ in range(20_000)]
    data = gzip.compress((HEAD + "".join(rows)).encode(), 1)
    (tmp_path / "half.csv.gz").write_bytes(data[: len(data) // 2])
    assert len(data) // 2 > uploads.LOOKED_AT[0]
    words = ["--source", str(tmp_path / "half.csv.gz"), "--run", json.dumps(run)]
    words += ["--prefix", str(tmp_path / "out")]
    with pytest.raises(Exception) as error:
        job.run(spark, arguments.parse(words))
    assert not isinstance(error.value, errors.JobError)
    found = failures.of(error.value)
    assert found.name == "Insiders.BadInput", str(error.value)[:2000]
    assert "half.csv.gz: the compressed data can't be unpacked" in str(found)


def test_what_hadoop_would_read_wrong_is_refused(spark, run, tmp_path):
    found = settings.read(json.dumps(run), "run")
    for name, data in {
        "gzip.csv": gzip.compress(HEAD.encode()),
        "plain.csv.gz": HEAD.encode(),
        "plain.bz2": HEAD.encode(),
        "zstd.csv": b"\x28\xb5\x2f\xfd" + b"x" * 100,
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(errors.ConfigError):
            uploads.look(Storage(spark), found, 0, str(tmp_path / name), name)
