"""Exports with everything in them, from seeds: the same rows, counts and features."""

import subprocess
import zlib

import polars as pl
import pytest
from conftest import Lambda, assert_same, by_spark
from dirty import HEADER, Shop, long_rows, packed
from insiders_spark import arguments, job

ALL = "[cleaning]\nmax_quarantined_share = 1.0\n"


def test_a_history_of_dirty_uploads(spark, insiders, tmp_path):
    """Encodings, line ends, packed and marked files, a window that counts back from the last
    kept purchase, customers who are excluded and who were erased."""
    config = ALL + 'excluded_customers = ["16446", "12007", "guest-536010"]\n'
    config += '[source]\nhistory = "append"\nwindow_days = 500\n'
    lambda_ = Lambda(insiders, tmp_path, config)
    header = HEADER.encode() + b"\n"
    uploads = {
        "windows.csv": Shop(1).export(900, "cp1252"),
        "utf8 [2].csv": Shop(2).export(900, "utf-8", end="\n", mark=b"\xef\xbb\xbf" * 2),
        "packed.csv.gz": packed(Shop(3).export(700, "cp1252", end="\r\r\n", last_end=False)),
        "long.csv": header + long_rows(),
        "plain.csv": Shop(4, damage=0, multiline=0).export(500, "cp1252"),
    }
    for name, data in uploads.items():
        (tmp_path / name).write_bytes(data)
        found = lambda_.run(tmp_path / name)
        assert not isinstance(found, str), found
    ids = ["12001", "12017", "O'Neil, Ann", "müller", "guest-536005", "536020", 'a "b']
    erase = [insiders, "erase", *ids, "--dir", lambda_.data]
    subprocess.run(erase, check=True, capture_output=True)
    # Their lines come back with another upload.
    (tmp_path / "again.csv").write_bytes(Shop(1).export(899, "cp1252"))
    found = lambda_.run(tmp_path / "again.csv")
    assert not isinstance(found, str), found
    out = tmp_path / "spark"
    by_spark(spark, lambda_, out, "--shards", "5")
    assert_same(lambda_, out)


@pytest.mark.parametrize("seed", [11, 12])
def test_a_dirty_upload_with_another_delimiter(spark, insiders, tmp_path, seed):
    """Many quotes, guests by number, a moment that was given."""
    delimiter, guests = [(";", "sequential"), ("|", "drop")][seed % 2]
    config = f'{ALL}guests = "{guests}"\nexcluded_customers = ["19003", "16446"]\n'
    config += "min_unit_price = 0.5\nexcluded_stock_codes = '(?i)^[a-z]+$|^gift_|0A$'\n"
    config += f'[source]\ndelimiter = "{delimiter}"\nwindow_days = 400\n'
    lambda_ = Lambda(insiders, tmp_path, config)
    export = tmp_path / "export.csv"
    shop = Shop(seed, delimiter, damage=0.1, multiline=0.5, future=True)
    export.write_bytes(shop.export(1_500, "cp1252", end="\n"))
    found = lambda_.run(export, "--as-of", "2011-09-30")
    assert not isinstance(found, str), found
    out = tmp_path / "spark"
    by_spark(spark, lambda_, out, "--shards", "1")
    assert_same(lambda_, out)


def test_a_generated_shop_and_its_transactions(spark, insiders, tmp_path):
    """The generator's own damage; and from the transactions the same features."""
    export = tmp_path / "shop.csv"
    generate = [insiders, "generate", "--rows", "30000", "--dirty", "0.009", "-o", export]
    subprocess.run(generate, check=True, capture_output=True)
    lambda_ = Lambda(insiders, tmp_path)
    lambda_.run(export)
    document = by_spark(spark, lambda_, tmp_path / "spark", "--shards", "3")
    assert_same(lambda_, tmp_path / "spark")
    assert document["spark"]["as_of"] == lambda_.manifest["effective_as_of"]
    assert document["spark"]["counts"] == lambda_.manifest["counts"]

    # Nothing is dropped twice: from the lines that were kept, the same customers.
    run = str(lambda_.folder / "manifest.json")
    words = ["--transactions", str(lambda_.folder / "transactions.parquet"), "--run", run]
    words += ["--prefix", str(tmp_path / "again"), "--shards", "3"]
    again = job.run(spark, arguments.parse(words))
    assert again["kept"] == document["kept"] == again["rows"]
    for part in document["spark"]["features"]:
        first, second = (pl.read_parquet(tmp_path / of / part["file"]) for of in ("spark", "again"))
        assert first.equals(second) and first.height == part["rows"]
        ids = first["customer_id"].to_list()
        assert ids == sorted(ids, key=str.encode)
        assert {zlib.crc32(i.encode()) % 3 for i in ids} <= {int(part["file"][-9:-8])}
