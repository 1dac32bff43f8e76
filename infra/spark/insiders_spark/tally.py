"""Counts over all rows, by upload: one pass."""

from pyspark.sql import functions as F

RULES = [
    "erased",
    "no_customer_id",
    "no_description",
    "stock_code",
    "country",
    "unit_price",
    "customer",
]
REASONS = [
    "field_count",
    "unclosed_quote",
    "too_long",
    "encoding",
    "nul",
    "missing",
    "quantity",
    "unit_price",
    "not_finite",
    "out_of_range",
    "date",
]


class Tally:
    """What all rows add up to."""

    def __init__(self, groups):
        self.files = [group for group in groups if group["reason"] is None]
        self.defects = [group for group in groups if group["reason"] is not None]
        mentioned = sum(d["lines"] for d in self.defects if d["is_mentioned"])
        told = [d for d in self.defects if not d["is_mentioned"]]
        self.quarantined = sum(d["lines"] for d in told)
        self.by_reason = {}
        for reason in REASONS:
            rows = sum(d["lines"] for d in told if d["reason"] == reason)
            if rows:
                self.by_reason[reason] = rows
        self.by_column = {}
        for d in told:
            if d["column"] is not None:
                self.by_column[d["column"]] = self.by_column.get(d["column"], 0) + d["lines"]
        self.first_defect = min(told, key=lambda d: d["first"], default=None)
        self.dropped = {rule: self.sum(rule) for rule in RULES}
        self.dropped["erased"] += mentioned
        self.rows = self.sum("lines") + sum(d["lines"] for d in self.defects)
        self.after_as_of, self.before_window = self.sum("after"), self.sum("before")
        self.purchases, self.returns = self.sum("purchases"), self.sum("returns")
        self.zeros = self.sum("zeros")
        self.kept = self.purchases + self.returns + self.zeros
        self.read = self.rows - self.quarantined - self.after_as_of - self.before_window

    def sum(self, name):
        return sum(file[name] or 0 for file in self.files)

    def range(self, name):
        low = [file[f"least_{name}"] for file in self.files if file[f"least_{name}"] is not None]
        high = [file[f"most_{name}"] for file in self.files if file[f"most_{name}"] is not None]
        return (min(low), max(high)) if low else None

    def of_file(self, number):
        """Rows, kept and quarantined rows of an upload."""
        mine = [file for file in self.files if file["file"] == number]
        defects = [d for d in self.defects if d["file"] == number]
        kept = sum(f["purchases"] + f["returns"] + f["zeros"] for f in mine)
        return {
            "rows": sum(f["lines"] for f in mine) + sum(d["lines"] for d in defects),
            "kept": kept,
            "quarantined": sum(d["lines"] for d in defects if not d["is_mentioned"]),
        }


def told():
    """Lines that figures may tell of: within the run's time, and not of erased customers."""
    gone = F.col("rule").isin("unreadable", "after", "before", "erased")
    return F.coalesce(~gone, F.lit(True))


def of(lines):
    """Counts judged rows, by upload and by what is wrong with them."""
    one = F.lit(1).cast("long")
    is_kept, is_told = F.col("rule").isNull(), told()

    def count(condition):
        return F.coalesce(F.sum(F.when(condition, one)), F.lit(0).cast("long"))

    figures = [F.count("*").alias("lines"), F.min("place").alias("first")]
    figures += [count(F.col("rule") == rule).alias(rule) for rule in [*RULES, "after", "before"]]
    figures += [
        count(is_kept & (F.col("quantity") > 0)).alias("purchases"),
        count(is_kept & (F.col("quantity") < 0)).alias("returns"),
        count(is_kept & (F.col("quantity") == 0)).alias("zeros"),
        count(is_told).alias("told"),
        count(is_told & (F.col("stock_code") == "")).alias("no_stock_code_value"),
        count(is_told & F.col("description").isNull()).alias("no_description_value"),
        count(is_told & F.col("customer_id").isNull()).alias("no_customer_value"),
        count(is_told & (F.col("country") == "")).alias("no_country_value"),
    ]
    for name in ("quantity", "unit_price", "seconds"):
        figures.append(F.min(F.when(is_told, F.col(name))).alias(f"least_{name}"))
        figures.append(F.max(F.when(is_told, F.col(name))).alias(f"most_{name}"))
    groups = lines.groupBy("file", "reason", "column", "is_mentioned").agg(*figures).collect()
    return Tally([group.asDict() for group in groups])
