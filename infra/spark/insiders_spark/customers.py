"""Sums by customer, and the features.

Lines are first added up by customer, invoice and day: everything that is counted once a day or
once an invoice is counted over these few rows. Money is added as DECIMAL(38, 18), without
rounding; a revenue becomes a double once, at the end.
"""

from pyspark.sql import functions as F

from .errors import BadInput
from .rows import placed
from .settings import DAY

EXACT = "decimal(38,18)"
FEATURES = [
    ("customer_id", "string"),
    ("is_guest", "boolean"),
    ("gross_revenue", "double"),
    ("recency_days", "bigint"),
    ("quantity_of_products", "bigint"),
    ("returns", "bigint"),
    ("frequency", "double"),
    ("purchases", "bigint"),
    ("repeats", "bigint"),
    ("visit_recency", "bigint"),
    ("visit_age", "bigint"),
    ("mean_value", "double"),
]


def day(seconds):
    """The day of a moment: the floor, before 1970 too."""
    return F.expr(f"({seconds} - pmod({seconds}, {DAY}L)) div {DAY}L")


def visits(lines):
    """Lines by owner, invoice and day; those without an owner too, for the profile."""
    is_kept = F.col("rule").isNull()
    is_purchase = is_kept & (F.col("quantity") > 0)
    is_erased = F.coalesce(F.col("rule") == "erased", F.lit(False))
    one = F.lit(1).cast("long")

    def count(condition):
        return F.coalesce(F.sum(F.when(condition, one)), F.lit(0).cast("long"))

    return (
        lines.where("when = 'in'")
        .groupBy("owner", "is_guest", "invoice_no", day("seconds").alias("day"))
        .agg(
            F.min("place").alias("first_line"),
            count(~is_erased).alias("told"),
            count(is_kept).alias("kept"),
            count(is_purchase).alias("purchases"),
            count(is_kept & (F.col("quantity") < 0)).alias("returns"),
            F.sum(F.when(is_purchase, F.col("amount"))).alias("amount"),
            F.sum(F.when(is_purchase, F.col("quantity"))).alias("quantity"),
            F.min(F.when(is_purchase, F.col("seconds"))).alias("first"),
            F.max(F.when(is_purchase, F.col("seconds"))).alias("last"),
        )
    )


def last_purchase(visits_, names):
    """Seconds of the last kept purchase. Refuses an id that is a customer's and a guest's, at
    the line where that is seen."""
    found = (
        visits_.groupBy("owner")
        .agg(
            F.min(F.when(F.col("is_guest"), F.col("first_line"))).alias("guest"),
            F.min(F.when(~F.col("is_guest"), F.col("first_line"))).alias("customer"),
            F.max("last").alias("last"),
        )
        .select(
            F.when(
                F.expr("guest is not null and customer is not null and owner is not null"),
                F.greatest("guest", "customer"),
            ).alias("seen"),
            "last",
        )
        .agg(F.min("seen").alias("seen"), F.max("last").alias("last"))
        .collect()[0]
    )
    if found.seen is not None:
        file, line = placed(found.seen)
        reason = (
            "the id of this line is a customer's and a guest's: choose other guest ids with "
            "cleaning.guests (invoice, sequential or drop)"
        )
        raise BadInput(names[file], reason, line or None, "customer_id")
    return found.last


def totals(visits_):
    """One row a customer with a line."""
    of_day = (
        visits_.where("owner is not null")
        .groupBy("owner", "is_guest", "day")
        .agg(
            F.sum("told").alias("told"),
            F.sum("kept").alias("kept"),
            F.sum("amount").alias("amount"),
            F.sum("purchases").alias("lines"),
            F.sum("quantity").alias("quantity"),
            F.min("first").alias("first"),
            F.max("last").alias("last"),
        )
    )
    bought = F.col("lines") > 0
    by_day = of_day.groupBy("owner", "is_guest").agg(
        F.sum("told").alias("told"),
        (F.sum("kept") > 0).alias("is_kept"),
        F.sum("amount").cast(EXACT).alias("revenue"),
        F.sum(F.when(bought & F.col("amount").isNull(), 1)).alias("overflows"),
        F.sum("quantity").alias("quantity"),
        F.min("first").alias("first"),
        F.max("last").alias("last"),
        F.sum(F.when(bought, 1)).cast("long").alias("days"),
        F.min(F.when(bought, F.struct("day", "amount"))).alias("first_day"),
    )
    by_invoice = (
        visits_.where("owner is not null")
        .groupBy("owner", "invoice_no")
        .agg(F.max("purchases").alias("purchases"), F.max("returns").alias("returns"))
        .groupBy("owner")
        .agg(
            F.sum(F.when(F.col("purchases") > 0, 1).otherwise(0)).alias("purchases"),
            F.sum(F.when(F.col("returns") > 0, 1).otherwise(0)).alias("returns"),
        )
    )
    return by_day.join(by_invoice, "owner")


def features(totals_, as_of):
    """The features of every customer with a purchase, seen from `as_of` (seconds)."""
    first, last = day("first"), day("last")
    seen = (as_of - as_of % DAY) // DAY
    between = F.expr(f"(last - first) div {DAY}L")
    repeats = F.col("days") - 1
    later = (F.col("revenue") - F.col("first_day.amount")).cast(EXACT).cast("double")
    values = {
        "customer_id": F.col("owner"),
        "is_guest": F.col("is_guest"),
        "gross_revenue": F.col("revenue").cast("double"),
        "recency_days": F.expr(f"({as_of}L - last - pmod({as_of}L - last, {DAY}L)) div {DAY}L"),
        "quantity_of_products": F.col("quantity"),
        "returns": F.col("returns"),
        "frequency": F.when(between == 0, 0.0).otherwise(
            F.col("purchases").cast("double") / between.cast("double")
        ),
        "purchases": F.col("purchases"),
        "repeats": repeats,
        "visit_recency": last - first,
        "visit_age": F.greatest(F.lit(seen).cast("long") - first, F.lit(0).cast("long")),
        "mean_value": F.when(repeats == 0, 0.0).otherwise(later / repeats.cast("double")),
    }
    buyers = totals_.where("last is not null")
    return buyers.select(*[required(values[name], kind).alias(name) for name, kind in FEATURES])


def required(value, kind):
    """A column that Parquet says is never null."""
    nothing = "" if kind == "string" else "false" if kind == "boolean" else "0"
    return F.coalesce(value.cast(kind), F.lit(nothing).cast(kind))
