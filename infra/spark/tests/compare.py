"""Holds what the Spark job left against what `preprocess-to-parquet` did, digit by digit."""

import json
import struct

import numpy
import polars as pl

FEATURES = [
    "customer_id",
    "is_guest",
    "gross_revenue",
    "recency_days",
    "quantity_of_products",
    "returns",
    "frequency",
    "purchases",
]
DOUBLES = ["gross_revenue", "frequency"]
# Which a later step adds from the shards.
LATER = ["describe", "value"]


def bits(value):
    return struct.unpack("<q", struct.pack("<d", value))[0]


def features(lambda_run, spark):
    """Rows compared, and how many differ: doubles by their bits."""

    def of(paths):
        return pl.scan_parquet(paths).select(FEATURES)

    left = of(f"{lambda_run}/features.parquet").collect()
    right = of(f"{spark}/features/part-*.parquet").collect()
    return rows_differing(bit_by_bit(left), bit_by_bit(right))


def bit_by_bit(frame):
    """Doubles as the whole numbers that their bits are."""
    return frame.with_columns(
        [pl.Series(name, frame[name].to_numpy().view(numpy.int64)) for name in DOUBLES]
    )


def rows_differing(left, right):
    """Rows of either as a multiset, and those that the other does not have as often."""
    names = left.columns
    counted = [f.group_by(names).len() for f in (left, right.select(names))]
    both = counted[0].join(counted[1], on=names, how="full", nulls_equal=True, coalesce=True)
    gone = (
        pl.col("len").fill_null(0).cast(pl.Int64) - pl.col("len_right").fill_null(0).cast(pl.Int64)
    ).abs()
    return max(left.height, right.height), int(both.select(gone.sum()).item() or 0)


def quarantine(lambda_run, spark):
    def of(paths):
        names = ["object", "line", "reason", "column", "raw"]
        return (
            pl.scan_parquet(paths)
            .select(names)
            .with_columns(pl.col("line").cast(pl.Int64))
            .collect()
        )

    return rows_differing(
        of(f"{lambda_run}/quarantine.parquet"), of(f"{spark}/quarantine/*.parquet")
    )


def transactions(lambda_run, spark):
    """As multisets, by two sums of 64-bit digests of the rows: memory is that of one batch."""

    def of(paths):
        moment = pl.col("invoice_date").dt.cast_time_unit("ms")
        price = pl.col("unit_price").cast(pl.String)
        frame = pl.scan_parquet(paths).with_columns(moment, price)
        names = sorted(frame.collect_schema().names())
        one = pl.struct(names).hash(seed=1)
        two = pl.struct(names).hash(seed=2)
        spread = (one % 1_000_003).cast(pl.UInt64)
        return (
            frame.select(
                pl.len().alias("rows"),
                (one // 256).sum().alias("one"),
                (two // 256).sum().alias("two"),
                spread.sum().alias("three"),
            )
            .collect(engine="streaming")
            .row(0)
        )

    left, right = of(f"{lambda_run}/transactions.parquet"), of(f"{spark}/transactions/*.parquet")
    if left == right:
        return left[0], 0
    return transactions_counted(lambda_run, spark)


def transactions_counted(lambda_run, spark):
    """The same, row by row: where the sums differ."""

    def of(paths):
        moment = pl.col("invoice_date").dt.cast_time_unit("ms")
        return (
            pl.scan_parquet(paths)
            .with_columns(moment, pl.col("unit_price").cast(pl.String))
            .collect()
        )

    return rows_differing(
        of(f"{lambda_run}/transactions.parquet"), of(f"{spark}/transactions/*.parquet")
    )


def quality(lambda_run, spark):
    """Fields of quality.json, and the names of those that differ."""
    with open(f"{lambda_run}/quality.json", encoding="utf-8") as file:
        left = json.load(file)
    with open(f"{spark}/quality.json", encoding="utf-8") as file:
        right = json.load(file)
    for name in LATER:
        left.pop(name, None)
    right.pop("spark", None)
    return fields(left, right, "")


def fields(left, right, place):
    """Leaves of two documents: how many, and the places where they differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        count, wrong = 0, []
        for name in sorted(left.keys() | right.keys()):
            here = f"{place}.{name}".lstrip(".")
            if name not in left or name not in right:
                count, wrong = count + 1, wrong + [f"{here} (of one alone)"]
                continue
            more, others = fields(left[name], right[name], here)
            count, wrong = count + more, wrong + others
        return count, wrong
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        found = [fields(a, b, f"{place}[{i}]") for i, (a, b) in enumerate(zip(left, right))]
        return sum(f[0] for f in found), [w for f in found for w in f[1]]
    if isinstance(left, float) and isinstance(right, float):
        same = bits(left) == bits(right)
    else:
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
    return 1, [] if same else [f"{place}: {left!r}, here {right!r}"]


def all_of(lambda_run, spark):
    """By table: rows or fields compared, how many differ, and a word on them."""
    compared, wrong = quality(lambda_run, spark)
    found = {
        "features": (*features(lambda_run, spark), ""),
        "transactions": (*transactions(lambda_run, spark), ""),
        "quarantine": (*quarantine(lambda_run, spark), ""),
        "quality.json": (compared, len(wrong), "; ".join(wrong[:5])),
    }
    return found
