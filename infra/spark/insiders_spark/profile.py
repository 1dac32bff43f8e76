"""What each column is like: `column_profile` in quality.json."""

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
EXACT = "decimal(38,18)"
DIGITS = "\\A[0-9]+\\z"


def share(part, whole):
    return part / whole if whole else None


def texts(lines, column):
    """Values, share of whole numbers, different values and the most frequent ones; of stock
    codes, those that were dropped for it, too."""
    value = F.col(column)
    is_met = F.min(F.when(F.col("rule") == "stock_code", F.struct("file", "line")))
    counted = (
        lines.where(told(lines) & value.isNotNull() & (value != ""))
        .groupBy(value.alias("value"))
        .agg(F.count("*").alias("rows"), is_met.alias("met"))
        .persist()
    )
    whole = counted.agg(
        F.sum("rows").alias("values"),
        F.sum(F.when(F.rlike("value", F.lit(DIGITS)), F.col("rows"))).alias("digits"),
        F.count("*").alias("distinct"),
        F.sum(F.octet_length("value")).alias("bytes"),
    ).collect()[0]
    values = whole["values"] or 0
    found = {"values": values}
    is_full = whole["distinct"] > MOST or (whole["bytes"] or 0) > MOST_BYTES
    if not is_full:
        found["distinct"] = whole["distinct"]
    if values:
        found["digits_share"] = share(whole["digits"] or 0, values)
    if not is_full:
        often = counted.where(F.col("rows") >= LEAST_ROWS)
        top = often.orderBy(F.desc("rows"), "value").limit(TOP).collect()
        if top:
            found["top"] = [[row["value"], row["rows"]] for row in top]
    codes = []
    if column == "stock_code":
        met = counted.where("met is not null").orderBy("met").limit(MOST_CODES).collect()
        codes = [row["value"] for row in met]
        # A code of nothing can be excluded, too.
    counted.unpersist()
    return found, codes


def ids(visits, column, tally_rows, distinct):
    """As `texts`, of ids: which ones there are is nobody's business."""
    whole = visits.agg(
        F.sum(F.when(F.col(column).isNotNull(), F.col("told"))).alias("values"),
        F.sum(F.when(F.rlike(column, F.lit(DIGITS)), F.col("told"))).alias("digits"),
    ).collect()[0]
    values = whole["values"] or 0
    found = {"values": values, "nulls": tally_rows - values, "distinct": distinct}
    if values:
        found["digits_share"] = share(whole["digits"] or 0, values)
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


def of(lines, visits, rows, invoices, customers):
    """The profile by column, and the excluded stock codes in the order in which they came."""
    at = lines.where(told(lines))
    found, codes = {}, []
    for column in ("stock_code", "description", "country"):
        found[column], met = texts(lines, column)
        found[column]["nulls"] = rows - found[column]["values"]
        codes = met or codes
    customer = F.when(~F.col("is_guest"), F.col("owner"))
    visits = visits.withColumn("customer", customer)
    found["invoice_no"] = ids(visits, "invoice_no", rows, invoices)
    found["customer_id"] = ids(visits, "customer", rows, customers)
    found["invoice_date"] = {"values": rows, "nulls": 0}
    found["quantity"] = numbers(at.select(F.col("quantity").alias("value")), rows, 1.0)
    prices = at.select(millionths(F.col("unit_price")).alias("value"))
    found["unit_price"] = numbers(prices, rows, 1e6)
    return found, codes
