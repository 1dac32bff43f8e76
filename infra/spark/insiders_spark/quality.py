"""`quality.json`: every count on the way from rows to customers."""

from pyspark.sql import functions as F

from .errors import BadInput
from .profile import DIGITS
from .rows import placed
from .settings import COLUMNS, moment
from .tables import shard

TEXTS = {
    "field_count": "another number of fields than the header: is source.delimiter right?",
    "unclosed_quote": "a quote that is never closed",
    "too_long": "longer than 64 KiB",
    "encoding": "bytes that mean nothing in the encoding: is source.encoding right?",
    "nul": "a NUL character",
    "missing": "a required value is empty",
    "quantity": "not a whole number",
    "unit_price": "not a number",
    "not_finite": "not a finite number",
    "out_of_range": "a number out of range",
    "date": "not a date of the configured format: is source.date_format right?",
}
WAYS = [
    ("quarantined", "can't be read", "look at the export's first rows"),
    ("after_as_of", "are later than the as-of moment", "is the as-of moment right?"),
    ("before_window", "are before the window", "is source.window_days right?"),
    ("erased", "are of erased customers", "the export has to hold others, too"),
    (
        "no_customer_id",
        "have no customer id",
        'is source.columns.customer_id the right column? cleaning.guests = "invoice" keeps guests',
    ),
    (
        "no_description",
        "have no description",
        "is source.columns.description the right column?",
    ),
    (
        "stock_code",
        "have an excluded stock code",
        "is cleaning.excluded_stock_codes right?",
    ),
    ("country", "are of an excluded country", "is cleaning.excluded_countries right?"),
    (
        "unit_price",
        "are below the least unit price",
        "is cleaning.min_unit_price right for this currency?",
    ),
    (
        "customer",
        "are of an excluded customer",
        "is cleaning.excluded_customers right?",
    ),
    (
        "returns",
        "are returns",
        "purchases are lines with a quantity above 0: is its sign right?",
    ),
    (
        "zeros",
        "have a quantity of 0",
        "is source.columns.quantity the right column?",
    ),
]


def object_of(names):
    return names[0] if len(names) == 1 else f"the history of {len(names)} uploads"


def check_rows(tally, names, limit):
    """Refuses uploads without a row, and those of which too many can't be read."""
    object_ = object_of(names)
    if tally.rows == 0:
        raise BadInput(object_, "there is a header but not one row")
    share = tally.quarantined / tally.rows
    if share <= limit:
        return
    first = ""
    if tally.first_defect is not None:
        found = tally.first_defect
        file, line = placed(found["first"])
        place = "" if names[file] == object_ else f"{names[file]}, "
        column = f", column {found['column']}" if found["column"] else ""
        first = f"; the first is {place}line {line}{column}: {TEXTS[found['reason']]}"
    raise BadInput(
        object_,
        f"{tally.quarantined} of {tally.rows} rows ({share * 100:.1f}%) can't be read, more than "
        f"cleaning.max_quarantined_share allows ({limit * 100:.1f}%){first}",
    )


def nobody(tally, names):
    """Why no customer is left, and which setting may be wrong."""
    rows = dict(tally.dropped)
    for name in ("quarantined", "after_as_of", "before_window", "returns", "zeros"):
        rows[name] = getattr(tally, name)
    parts = ", ".join(f"{rows[name]} {what}" for name, what, _ in WAYS if rows[name])
    most = max(WAYS, key=lambda way: rows[way[0]])[2]
    reason = f"no customer is left of {tally.rows} rows: {parts}; {most}"
    return BadInput(object_of(names), reason)


def customers(totals, shards):
    """Customers with a kept row, with and without each feature; and those of each shard."""
    is_customer, is_buyer = ~F.col("is_guest"), F.col("last").isNotNull()
    told = F.when(is_customer, F.col("told")).otherwise(0)

    def count(condition):
        return F.sum(F.when(condition, 1).otherwise(0))

    by_shard = (
        totals.groupBy(shard("owner", shards).alias("shard"))
        .agg(
            count(F.col("is_kept")).alias("reference"),
            count(is_buyer).alias("buyers"),
            count(is_buyer & F.col("is_guest")).alias("guests"),
            count(F.col("returns") > 0).alias("returners"),
            count((F.col("told") > 0) & is_customer).alias("ids"),
            F.sum(told).alias("values"),
            F.sum(F.when(F.rlike("owner", F.lit(DIGITS)), told).otherwise(0)).alias("digits"),
            count(F.col("overflows") > 0).alias("overflows"),
        )
        .collect()
    )
    names = ["reference", "buyers", "guests", "returners", "ids", "values", "digits", "overflows"]
    kept = {name: sum(row[name] for row in by_shard) for name in names}
    held = {row["shard"]: row for row in by_shard if row["buyers"]}
    return kept, held


def invoices(visits):
    """Invoices that figures may tell of and those that have a guest; values and digits."""
    of_invoice = visits.groupBy("invoice_no").agg(
        F.sum("told").alias("told"),
        F.max((F.col("told") > 0) & F.col("owner").isNotNull()).alias("is_met"),
        F.max(F.col("is_guest")).alias("has_guest"),
    )
    found = of_invoice.agg(
        F.sum(F.when(F.col("is_met"), 1).otherwise(0)).alias("met"),
        F.sum(F.when(F.col("has_guest"), 1).otherwise(0)).alias("guests"),
        F.sum("told").alias("values"),
        F.sum(F.when(F.rlike("invoice_no", F.lit(DIGITS)), F.col("told")).otherwise(0)).alias(
            "digits"
        ),
    ).collect()[0]
    return {name: found[name] or 0 for name in found.asDict()}


def report(tally, names, source_columns, guests, kept, codes, profile):
    """The names and values of `preprocess-to-parquet`, without `describe` and `value`."""
    dropped = tally.dropped
    after_dropna = tally.read - dropped["erased"] - dropped["no_customer_id"]
    after_dropna -= dropped["no_description"]
    after_stock = after_dropna - dropped["stock_code"]
    after_country = after_stock - dropped["country"]
    after_price = after_country - dropped["unit_price"]
    missing = {
        "stock_code": "no_stock_code_value",
        "description": "no_description_value",
        "customer_id": "no_customer_value",
        "country": "no_country_value",
    }
    reference, buyers = kept["reference"], kept["buyers"]
    price, seconds = tally.range("unit_price"), tally.range("seconds")
    return {
        "rows": tally.rows,
        "cols": len(source_columns),
        "columns": COLUMNS,
        "na": {c: tally.sum(missing[c]) if c in missing else 0 for c in COLUMNS},
        "backup_invoices": guests,
        "after_dropna": after_dropna,
        "stock_code_letters": codes,
        "after_stock": after_stock,
        "after_country": after_country,
        "after_price": after_price,
        "after_bad": after_price - dropped["customer"],
        "returns_rows": tally.returns,
        "purchase_rows": tally.purchases,
        "customers_ref": reference,
        "na_ref": {
            "customer_id": 0,
            "gross_revenue": reference - buyers,
            "recency_days": reference - buyers,
            "quantity_of_products": reference - buyers,
            "returns": reference - kept["returners"],
            "frequency": reference - buyers,
        },
        "customers": buyers,
        "guests": kept["guests"],
        "source_columns": source_columns,
        "kept": tally.kept,
        "dropped": dropped,
        "after_as_of": tally.after_as_of,
        "before_window": tally.before_window,
        "uploads": [{"object": n, **tally.of_file(i)} for i, n in enumerate(names)],
        "quarantined": tally.quarantined,
        "quarantined_share": tally.quarantined / max(tally.rows, 1),
        "quarantined_by_reason": tally.by_reason,
        "quarantined_by_column": tally.by_column,
        "ranges": {
            "quantity": tally.range("quantity"),
            "unit_price": price and [float(price[0]), float(price[1])],
            "invoice_date": seconds and [moment(seconds[0]), moment(seconds[1])],
        },
        "column_profile": profile,
    }
