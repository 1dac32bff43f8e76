"""What each column is like: `column_profile` in quality.json."""

from pyspark.sql import Window
from pyspark.sql import functions as F

from . import histogram
from .tally import told

# Different values that are counted, and bytes of them.
MOST = 100_000
MOST_BYTES = 8 << 20
TOP = 10
# What stands there once or twice may be a person's.
LEAST_ROWS = 5
MOST_CODES = 1000
TEXTS = ["stock_code", "description", "country"]
EXACT = "decimal(38,18)"
DIGITS = "\\A[0-9]+\\z"


def texts(lines):
    """By column of texts: values, share of whole numbers, different values and the most frequent
    ones. Beside it the stock codes that lines were dropped for, in the order they came in."""
    is_met = F.min(F.when(F.col("rule") == "stock_code", F.col("place")))
    counted = None
    for column in TEXTS:
        value = F.col(column)
        of_column = (
            lines.where(told() & value.isNotNull())
            .groupBy(value.alias("value"))
            .agg(F.count("*").alias("rows"), is_met.alias("met"))
            .select(F.lit(column).alias("column"), "*")
        )
        counted = of_column if counted is None else counted.unionByName(of_column)
    counted = counted.persist()
    texts_ = counted.where("value != ''")
    digits = F.when(F.rlike("value", F.lit(DIGITS)), F.col("rows")).otherwise(0)
    wholes = texts_.groupBy("column").agg(
        F.sum("rows").alias("values"),
        F.sum(digits).alias("digits"),
        F.count("*").alias("distinct"),
        F.sum(F.octet_length("value")).alias("bytes"),
    )
    found = {column: {"values": 0, "distinct": 0} for column in TEXTS}
    for whole in wholes.collect():
        profile = found[whole["column"]]
        profile["values"] = whole["values"]
        profile["digits_share"] = whole["digits"] / whole["values"]
        profile["distinct"] = whole["distinct"]
        if whole["distinct"] > MOST or whole["bytes"] > MOST_BYTES:
            del profile["distinct"]
    first = Window.partitionBy("column").orderBy(F.desc("rows"), "value")
    often = texts_.where(F.col("rows") >= LEAST_ROWS).withColumn("at", F.row_number().over(first))
    for row in often.where(F.col("at") <= TOP).orderBy("column", "at").collect():
        if "distinct" in found[row["column"]]:
            found[row["column"]].setdefault("top", []).append([row["value"], row["rows"]])
    met = counted.where("column = 'stock_code' and met is not null").orderBy("met")
    codes = [row["value"] for row in met.limit(MOST_CODES).collect()]
    counted.unpersist()
    return found, codes


def ids(values, digits, distinct):
    """Of ids no value is told: which ones there are is nobody's business."""
    found = {"values": values, "distinct": distinct}
    if values:
        found["digits_share"] = digits / values
    return found


def numbers(values, rows, unit):
    found = {"values": rows, "nulls": 0}
    quantiles = histogram.quantiles(histogram.counts(values), unit)
    if quantiles:
        found["quantiles"] = quantiles
    return found


def millionths(price):
    """Whole millionths; what does not fit into 64 bits counts as the largest that does."""
    limit = F.lit("9223372036854.775808").cast(EXACT)
    least = F.lit("-9223372036854.775809").cast(EXACT)
    fits = (price < limit) & (price > least)
    million = F.lit(1_000_000).cast("decimal(7,0)")
    return F.when(fits, (price * million).cast("bigint")).otherwise((1 << 63) - 1)


def of(lines, rows, invoices, customers):
    """The profile by column over so many rows, and the excluded stock codes that were met."""
    at = lines.where(told())
    found, codes = texts(lines)
    found["invoice_no"] = ids(invoices["values"], invoices["digits"], invoices["met"])
    found["customer_id"] = ids(customers["values"], customers["digits"], customers["ids"])
    for profile in found.values():
        profile["nulls"] = rows - profile["values"]
    found["invoice_date"] = {"values": rows, "nulls": 0}
    found["quantity"] = numbers(at.select(F.col("quantity").alias("value")), rows, 1.0)
    prices = at.select(millionths(F.col("unit_price")).alias("value"))
    found["unit_price"] = numbers(prices, rows, 1e6)
    return found, codes
