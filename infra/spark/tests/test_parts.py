"""Parts of the job on columns of texts."""

import hashlib
import json

import pytest
from insiders_spark import dates, errors, histogram, job, patterns, tombstones
from pyspark.sql import functions as F


@pytest.fixture(scope="module", autouse=True)
def same_arithmetic(spark):
    for name, value in job.SETTINGS.items():
        spark.conf.set(name, value)


def test_a_decimal_becomes_the_nearest_double(spark):
    """Python's own division is rounded correctly, as `Decimal::to_f64` is."""
    units = F.expr("cast(rand(7) * pow(10, 3 + 27 * rand(8)) as decimal(38,0))")
    money = units.cast("decimal(38,0)") * F.lit("0.000000000000000001").cast("decimal(18,18)")
    frame = spark.range(150_000).select(money.cast("decimal(38,18)").alias("money"))
    short = spark.range(150_000).select(
        (
            F.expr("cast(rand(9) * 1e9 as decimal(38,0))").cast("decimal(20,0)")
            / F.lit(100).cast("decimal(5,0)")
        )
        .cast("decimal(38,18)")
        .alias("money")
    )
    found = frame.union(short).select("money", F.col("money").cast("double").alias("double"))
    rows = found.select(F.col("money").cast("string").alias("text"), "double").collect()
    assert len({row.text for row in rows}) > 100_000
    wrong = [row for row in rows if float(row.text) != row.double]
    assert wrong == []


@pytest.mark.parametrize(
    "format_, texts",
    [
        (
            "%Y-%m-%dT%H:%M:%S",
            {
                "1970-01-02T00:00:01": 86_401,
                "1969-12-31T23:59:60": -1,
                "2011-12-09T12:50": None,
                "2011-12-09t12:50:00": None,
            },
        ),
        ("%Y%m%d", {"20110930": 1_317_340_800, "2011930": None, "20110931": None}),
        ("%d.%m.%y", {"30.9.11": 1_317_340_800, "30.09.69": -8_035_200, "30.9.2011": None}),
        (
            "%d %b %Y %I:%M %p",
            {
                "30 sep 2011 12:05 AM": 1_317_341_100,
                "30 SEP 2011  1:05 pm": 1_317_387_900,
                "30 Sep 2011 13:05 PM": None,
            },
        ),
        (
            "%A, %B %d, %Y",
            {"Friday, September 30, 2011": 1_317_340_800, "Monday, September 30, 2011": None},
        ),
        ("%F %T%.f", {"1969-12-31 23:59:59.5": -1, "2011-09-30 00:00:00": 1_317_340_800}),
        ("%Y/%j", {"2011/273": 1_317_340_800, "2011/366": None, "2012/366": 1_356_912_000}),
    ],
)
def test_dates_of_other_formats(spark, format_, texts):
    found = dates.Format(format_)
    frame = spark.range(1).select(
        F.explode(F.array(*[F.lit(text) for text in texts])).alias("text")
    )
    rows = frame.select("text", found.parts(F.col("text")).alias("parts"))
    rows = rows.select("text", found.seconds(F.col("parts")).alias("seconds")).collect()
    assert {row.text: row.seconds for row in rows} == texts


def test_formats_that_are_none():
    for format_ in ("%H:%M", "%Y-%m", "%Q", "%", "%Y-%m-%d %M"):
        with pytest.raises(errors.ConfigError):
            dates.Format(format_)


def test_buckets_are_those_of_a_histogram(spark):
    values = [0, 1, 255, 256, 257, 511, 512, 1_000, -1, -300, (1 << 63) - 1, 10**12]
    frame = spark.range(1).select(
        F.explode(F.array(*[F.lit(v).cast("bigint") for v in values])).alias("value")
    )
    found = histogram.counts(frame)
    expected = {0: 1, 1: 1, 255: 1, 257: 2, 511: 1, 514: 1, 1_002: 1, -1: 1, -301: 1}
    assert {k: v for k, v in found.items() if k in expected} == expected
    assert sum(found.values()) == len(values)
    assert histogram.quantiles({1: 50, 2: 50}, 1.0)["0.5"] == 1.0


def test_an_expression_means_what_it_does_in_rust(spark):
    found = patterns.java("^[a-z$]+$", "t")
    rows = spark.range(1).select(
        *[
            F.rlike(F.lit(t), F.lit(found)).alias(str(i))
            for i, t in enumerate(["ab", "ab\n", "a$", "a1"])
        ]
    )
    assert list(rows.collect()[0]) == [True, False, True, False]
    for pattern in ("(?P<x>a)", "[[:alpha:]]", "[a-z--b]", "(?m)^a$", r"\p{L}"):
        with pytest.raises(errors.ConfigError):
            patterns.java(pattern, "t")


def test_a_text_that_names_somebody_who_was_erased(spark):
    """As a word of its own, wherever it stands: also where a window of the search ends."""
    ids = ["12346", 'O\'Neil, Ann "A"', "é", "guest-1"]
    digests = [hashlib.sha256(f"5a17{i}".encode()).hexdigest() for i in ids]
    stones = tombstones.Tombstones("5a17", sorted({len(i.encode()) for i in ids}), digests)
    named = [f"1,{i},UK" for i in ids] + ['x,"O\'Neil, Ann ""A"""', *ids]
    named += ["a" * n + ",12346,bbb" for n in range(240, 275)]
    named += ["é" * n + ",12346.0" for n in range(115, 140)]
    named += ["x" * 65_000 + " guest-1", "12346" + "," * 300]
    others = ["12347", "1234", "123467", "x12346", "é12346", "", "x" * 65_536, "," * 60_000]
    others += ["a" * n + "12346,bbb" for n in range(240, 275)]
    texts = F.from_json(F.lit(json.dumps(named + others)), "array<string>")
    rows = stones.mentioned(spark.range(1).select(F.explode(texts).alias("raw")), "raw")
    found = {row.raw: row.is_mentioned for row in rows.select("raw", "is_mentioned").collect()}
    assert found == {**dict.fromkeys(named, True), **dict.fromkeys(others, False)}
