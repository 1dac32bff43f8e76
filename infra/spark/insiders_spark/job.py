"""The job: from uploads, or the transactions of a run before, to features and counts."""

from pyspark import StorageLevel
from pyspark.sql import functions as F

from . import customers, lines, profile, quality, records, rows, rules, tables, tally
from .errors import BadInput, ConfigError
from .settings import AsOf, moment
from .storage import Storage
from .tombstones import Tombstones
from .uploads import look

# The same arithmetic on every version: no error within a row, no rounding of exact decimals.
SETTINGS = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # What is longer is not compiled by the JVM and slow: Spark then splits it.
    "spark.sql.codegen.hugeMethodLimit": "8000",
}
# Bytes of an export that one task takes in, and how much larger what is packed becomes.
PIECE = 64 << 20
PACKED = 8
PARTS = ["features", "work", "transactions", "quarantine", "quality.json", "error.json"]


def run(spark, job):
    """Does `job` (see arguments.py); gives the document that it left as quality.json."""
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    storage = Storage(spark)
    for part in PARTS:
        storage.delete(f"{job.prefix}/{part}")
    spark.conf.set("spark.sql.shuffle.partitions", str(pieces(spark, storage, job)))
    settings = job.settings(storage)
    erased = None
    if job.erased:
        erased = Tombstones.read(storage.text(job.erased), job.erased)
    if job.transactions:
        names, source_columns, read = (
            [job.transactions],
            [],
            of_transactions(spark, job.transactions),
        )
    else:
        names, source_columns, read = of_uploads(spark, storage, job, settings, erased)
    # Every count is made of these, so that they are kept, column by column. No cache: an executor
    # that is lost would take its part of it along.
    work = f"{job.prefix}/work"
    try:
        read.write.mode("overwrite").option("compression", "snappy").parquet(f"{work}/rows")
        read = spark.read.parquet(f"{work}/rows")
        return finish(spark, storage, job, settings, erased, names, source_columns, read)
    finally:
        storage.delete(work)


def pieces(spark, storage, job):
    """Into how many the rows are divided: by their bytes, not Spark's 200 whatever they are."""
    size = sum(
        storage.status(uri)[1] * (1 if uri in job.sources and not uri.endswith(".gz") else PACKED)
        for uri in [*job.sources, *([job.transactions] if job.transactions else [])]
    )
    return max(2 * spark.sparkContext.defaultParallelism, size // PIECE)


def of_uploads(spark, storage, job, settings, erased):
    """Rows of all uploads, with their values or what is wrong with them."""
    if settings.append and settings.guests == "sequential":
        raise ConfigError("cleaning.guests", "sequential numbers depend on the order of uploads")
    names = job.names(settings)
    uploads = [look(storage, settings, i, uri, names[i]) for i, uri in enumerate(job.sources)]
    scan = lines.scan(spark, uploads, settings.delimiter)
    found = records.of(spark, scan, settings.delimiter)
    parallelism = spark.sparkContext.defaultParallelism
    if len(scan.blocks) < parallelism:
        # A .gz comes in one piece: the work on its records need not.
        found = found.repartition(2 * parallelism, "file", F.expr("line div 4096"))
    return names, uploads[0].names, rows.of(found, uploads, settings, erased)


def of_transactions(spark, uri):
    """Lines that a run has kept, as rows: whose they are is known."""
    table = spark.read.parquet(lines.glob_free(uri))
    amount = F.col("unit_price") * F.col("quantity").cast("decimal(13,0)")
    return (
        table.select(
            F.lit(0).alias("file"),
            *[F.lit(0).cast("long").alias(name) for name in ("line", "place")],
            *[F.lit(None).cast("string").alias(name) for name in ("reason", "column", "raw")],
            F.lit(False).alias("is_mentioned"),
            *["invoice_no", "stock_code", "description", "country"],
            F.col("quantity").cast("bigint").alias("quantity"),
            F.unix_micros(F.col("invoice_date").cast("timestamp")).alias("micros"),
            F.col("unit_price").cast("decimal(38,18)").alias("unit_price"),
            amount.cast("decimal(38,18)").alias("amount"),
            F.when(~F.col("is_guest"), F.col("customer_id")).alias("customer_id"),
            F.col("customer_id").alias("owner"),
            "is_guest",
        )
        .withColumn("seconds", F.expr("(micros - pmod(micros, 1000000L)) div 1000000L"))
        .drop("micros")
    )


def judged(read, settings, erased, moment_):
    since, until = rules.bounds(settings, moment_)
    return rules.judged(rules.owned(rules.in_time(read, since, until), settings), settings, erased)


def finish(spark, storage, job, settings, erased, names, source_columns, read):
    """Everything that follows from the rows."""
    given = settings.as_of
    moment_ = given.seconds if given else None
    if settings.window_days is not None and given is None:
        # The window counts back from the last kept purchase, which all lines have to tell.
        moment_ = customers.last_purchase(
            customers.visits(judged(read, settings, erased, None)), names
        )
    lines_ = judged(read, settings, erased, moment_)
    visits = customers.visits(lines_).persist(StorageLevel.DISK_ONLY)
    last = customers.last_purchase(visits, names)
    counted = tally.of(lines_)
    quality.check_rows(counted, names, settings.max_quarantined_share)
    if last is None:
        raise quality.nobody(counted, names)
    as_of = given or AsOf(moment(last), last)
    totals = customers.totals(visits).persist(StorageLevel.DISK_ONLY)
    kept, held = quality.customers(totals, job.shards)
    if kept["overflows"]:
        raise BadInput(quality.object_of(names), "a customer's revenue is too large to be one")
    invoices = quality.invoices(visits)
    of_columns, codes = profile.of(lines_, counted.sum("told"), invoices, kept)

    tables.write(tables.transactions(lines_), f"{job.prefix}/transactions")
    tables.write(tables.quarantine(read, names), f"{job.prefix}/quarantine")
    features = customers.features(totals, as_of.seconds)
    parts = tables.features(spark, storage, features, job.prefix, job.shards, held)
    document = quality.report(
        counted, names, source_columns, invoices["guests"], kept, codes, of_columns
    )
    document["spark"] = extras(spark, settings, counted, names, as_of, parts)
    storage.write_json(f"{job.prefix}/quality.json", document)
    visits.unpersist()
    totals.unpersist()
    return document


def extras(spark, settings, counted, names, as_of, parts):
    """What the next step needs, and what an error about quarantined rows says."""
    first = counted.first_defect
    file, line = rows.placed(first["first"]) if first else (None, None)
    return {
        "version": spark.version,
        "run_id": settings.run_id,
        "as_of": as_of.text,
        "features": parts,
        "transactions": counted.kept,
        "quarantine": counted.quarantined,
        "first_defect": first
        and {
            "object": names[file],
            "line": line,
            "column": first["column"],
            "reason": first["reason"],
        },
        "counts": {
            "rows_read": counted.rows,
            "rows_kept": counted.kept,
            "rows_dropped": sum(counted.dropped.values()),
            "rows_quarantined": counted.quarantined,
            "rows_after_as_of": counted.after_as_of,
            "rows_before_window": counted.before_window,
            "customers": sum(part["rows"] for part in parts),
            "guests": sum(part["guests"] for part in parts),
        },
    }
