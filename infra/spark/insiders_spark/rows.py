"""Rows with their values, or with what is wrong with them: reason and column."""

from pyspark.sql import functions as F

from . import decimals, encoding, fields
from .dates import Format
from .settings import COLUMNS

# A line's amount is below 10^12: sums of 10^8 of them stay exact.
MAX_AMOUNT = "1000000000000"
# A line's number is below 2^40.
LINE_BITS = 40


def of(records, uploads, settings, erased):
    """file, line, reason, column, raw, is_mentioned and the values: null where there is a
    reason."""
    is_utf8 = of_file(uploads, lambda upload: upload.is_utf8)
    text = encoding.text(F.col("raw"), is_utf8)
    texts = records.select("file", "line", "shape", "raw", text.alias("text"))
    early = (
        F.when(F.col("shape") == "unclosed", "unclosed_quote")
        .when(F.col("shape") == "too_long", "too_long")
        .when(F.col("text").isNull(), "encoding")
        .when(encoding.has_nul(F.col("text")), "nul")
    )
    split = fields.split(F.col("text"), F.col("shape"), settings.delimiter)
    parts = texts.select(
        "*",
        early.alias("early"),
        F.when(early.isNull(), split).alias("fields"),
    )
    count = of_file(uploads, lambda upload: len(upload.names))
    early = F.coalesce("early", F.when(F.size("fields") != count, "field_count"))
    cells = parts.select(
        "file",
        "line",
        "raw",
        "text",
        early.alias("early"),
        *[cell(name, uploads, settings).alias(name) for name in COLUMNS],
    )
    format_ = Format(settings.date_format)
    as_is = ["file", "line", "raw", "text", "early", "invoice_no", "stock_code", "country"]
    trimmed = cells.select(
        *as_is,
        present(F.col("description"), settings).alias("description"),
        fields.trim(F.col("customer_id")).alias("customer_id"),
        fields.trim(F.col("invoice_no")).alias("trimmed_invoice_no"),
        *[fields.trim(F.col(name)).alias(name) for name in ("quantity", "unit_price")],
        fields.trim(F.col("invoice_date")).alias("date"),
    )
    as_is += ["description", "customer_id", "trimmed_invoice_no", "date"]
    numbers = decimals.parsed(trimmed, ["quantity", "unit_price"])
    (quantity, of_quantity), (price, of_price) = (
        decimals.whole("quantity"),
        decimals.price("unit_price"),
    )
    read = numbers.select(
        *as_is,
        quantity.alias("quantity"),
        of_quantity.alias("quantity_wrong"),
        price.alias("unit_price"),
        of_price.alias("unit_price_wrong"),
        format_.parts(F.col("date")).alias("parts"),
    )
    values = ["quantity", "quantity_wrong", "unit_price", "unit_price_wrong"]
    amount = F.col("unit_price") * F.col("quantity").cast("decimal(13,0)")
    valued = read.select(
        *as_is,
        *values,
        format_.seconds(F.col("parts")).alias("seconds"),
        amount.cast("decimal(38,18)").alias("amount"),
    )
    valued = valued.withColumn("customer_id", present(F.col("customer_id"), settings))
    return judged(valued, erased)


def judged(valued, erased):
    """The first thing that is wrong with each row."""
    date_wrong = F.when(F.col("date") == "", "missing").when(F.col("seconds").isNull(), "date")
    is_small = F.abs("amount") < F.lit(MAX_AMOUNT).cast("decimal(38,18)")
    wrong = (
        F.when(F.col("early").isNotNull(), defect(F.col("early"), None))
        .when(F.col("trimmed_invoice_no") == "", defect(F.lit("missing"), "invoice_no"))
        .when(F.col("quantity_wrong").isNotNull(), defect(F.col("quantity_wrong"), "quantity"))
        .when(date_wrong.isNotNull(), defect(date_wrong, "invoice_date"))
        .when(
            F.col("unit_price_wrong").isNotNull(), defect(F.col("unit_price_wrong"), "unit_price")
        )
        .when(~F.coalesce(is_small, F.lit(False)), defect(F.lit("out_of_range"), None))
    )
    values = ["invoice_no", "stock_code", "description", "quantity", "seconds", "unit_price"]
    values += ["amount", "customer_id", "country"]
    rows = valued.withColumn("wrong", wrong)
    good = F.col("wrong").isNull()
    told = F.when(~good, encoding.lossy(F.col("raw"), F.col("text")))
    found = rows.select(
        "file",
        "line",
        place().alias("place"),
        F.col("wrong.reason").alias("reason"),
        F.col("wrong.column").alias("column"),
        told.alias("raw"),
        *[F.when(good, F.col(name)).alias(name) for name in values],
    )
    if erased is None:
        return found.withColumn("is_mentioned", F.lit(False))
    return erased.mentioned(found, "raw")


def place():
    """Where a row is among all, as one number: what is least is found without sorting."""
    return F.shiftleft(F.col("file").cast("bigint"), LINE_BITS) + F.col("line")


def placed(number):
    """Upload and line."""
    return number >> LINE_BITS, number & ((1 << LINE_BITS) - 1)


def defect(reason, column):
    column = F.lit(column).cast("string")
    return F.struct(F.coalesce(reason, F.lit("")).alias("reason"), column.alias("column"))


def of_file(uploads, value):
    """What differs from upload to upload, as a constant if it does not."""
    values = [value(upload) for upload in uploads]
    if len(set(values)) == 1:
        return values[0] if isinstance(values[0], bool) else F.lit(values[0])
    found = F.lit(values[0])
    for other in sorted(set(values[1:]) - {values[0]}):
        numbers = [u.number for u, v in zip(uploads, values) if v == other]
        found = F.when(F.col("file").isin(numbers), other).otherwise(found)
    return found


def cell(name, uploads, settings):
    place = of_file(uploads, lambda upload: upload.places[name] + 1)
    return fields.unquoted_if(F.get(F.col("fields"), place - 1), F.col("shape"), settings.delimiter)


def present(text, settings):
    """A text, null where it says that there is none."""
    return F.when(~text.isin(["", *settings.null_values]), text)
