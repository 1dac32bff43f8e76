"""Whose a line is, and which lines count."""

from pyspark.sql import Window
from pyspark.sql import functions as F

from .patterns import java
from .settings import DAY

FIRST_SEQUENTIAL = 19_000


def bounds(settings, moment):
    """First and last second of the lines that are looked at; `moment` is the run's."""
    since = None
    if settings.window_days is not None and moment is not None:
        since = moment - settings.window_days * DAY
    return since, settings.as_of.seconds if settings.as_of else None


def in_time(rows, since, until):
    """Rows with `when`: `in`, `after` or `before`; `unreadable` where there is no moment."""
    seconds = F.col("seconds")
    when = F.when(F.col("reason").isNotNull(), "unreadable")
    if until is not None:
        when = when.when(seconds > until, "after")
    if since is not None:
        when = when.when(seconds < since, "before")
    return rows.withColumn("when", when.otherwise("in"))


def owned(lines, settings):
    """Lines with `owner`, null where lines without an id are dropped, and `is_guest`."""
    if "owner" in lines.columns:
        return lines
    customer = F.col("customer_id")
    if settings.guests == "drop":
        return lines.select("*", customer.alias("owner"), F.lit(False).alias("is_guest"))
    if settings.guests == "sequential":
        lines = lines.join(numbered(lines), ["invoice_no"], "left")
        guest = F.col("guest")
    else:
        guest = F.concat(F.lit("guest-"), F.col("invoice_no"))
    is_guest = customer.isNull()
    owner = F.when(is_guest & (F.col("when") == "in"), guest).otherwise(customer)
    return lines.select("*", owner.alias("owner"), is_guest.alias("is_guest")).drop("guest")


def numbered(lines):
    """Guests by the order in which their invoices come: before any rule drops a line."""
    guests = lines.where("customer_id is null and when = 'in'")
    first = guests.groupBy("invoice_no").agg(F.min("place").alias("first"))
    number = F.row_number().over(Window.orderBy("first")) + (FIRST_SEQUENTIAL - 1)
    return first.select("invoice_no", number.cast("string").alias("guest")).persist()


def judged(lines, settings, erased):
    """Lines with `rule`: what drops them, null for what counts."""
    owner = F.col("owner")
    is_erased = F.lit(False)
    if erased is not None:
        # A number by order is nobody's: it may be another guest's the next time.
        named = F.lit(True) if settings.guests == "invoice" else ~F.col("is_guest")
        is_erased = named & erased.holds(owner)
    codes = java(settings.excluded_stock_codes, "cleaning.excluded_stock_codes")
    least = F.lit(settings.min_unit_price).cast("decimal(38,18)")
    rule = (
        F.when(F.col("when") != "in", F.col("when"))
        .when(F.coalesce(is_erased, F.lit(False)), "erased")
        .when(owner.isNull(), "no_customer_id")
        .when(F.col("description").isNull(), "no_description")
        .when(F.rlike(F.col("stock_code"), F.lit(codes)), "stock_code")
        .when(F.col("country").isin(settings.excluded_countries), "country")
        .when(F.col("unit_price") < least, "unit_price")
        .when(owner.isin(settings.excluded_customers), "customer")
    )
    return lines.withColumn("rule", rule)
