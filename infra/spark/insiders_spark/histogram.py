"""Quantiles by the buckets of an HDR histogram of two significant digits.

A value falls into a bucket by its magnitude: 256 values of one each, then buckets twice as
wide every 128. A bucket tells the value in its middle.
"""

from pyspark.sql import functions as F

LEVELS = [
    ("0.01", 10),
    ("0.05", 50),
    ("0.25", 250),
    ("0.5", 500),
    ("0.75", 750),
    ("0.95", 950),
    ("0.99", 990),
]
# Bits of a value that is told exactly.
EXACT_BITS = 8


def counts(values):
    """Rows by bucket. `values` has a column `value` of whole numbers of 64 bits."""
    size = F.abs("value")
    # The least of 64 bits has no positive: it is one of a bucket of its own.
    bits = F.when(size < 0, 64).when(size < 256, EXACT_BITS).otherwise(F.length(F.bin(size)))
    shifted = values.select("value", (bits - EXACT_BITS).alias("shift"))
    low = F.expr("case when abs(value) < 0 then 128L else shiftright(abs(value), shift) end")
    found = shifted.select((F.col("value") < 0).alias("below"), "shift", low.alias("low"))
    rows = found.groupBy("below", "shift", "low").agg(F.count("*").alias("rows")).collect()
    cells = {}
    for row in rows:
        middle = (row.low << row.shift) + ((1 << row.shift) >> 1)
        cells[-middle if row.below else middle] = row.rows
    return cells


def quantiles(cells, unit):
    """By level, the least value that so many thousandths of the rows do not exceed."""
    ordered = sorted(cells.items())
    rows = sum(cells.values())
    found = {}
    for name, level in LEVELS:
        rank, seen = max(1, -(-rows * level // 1000)), 0
        for value, count in ordered:
            seen += count
            if seen >= rank:
                found[name] = float(value) / unit
                break
    return found
