"""The tables, as Parquet under the prefix."""

from pyspark.sql import functions as F

from .customers import FEATURES, required


def write(frame, uri):
    frame.write.mode("overwrite").option("compression", "zstd").parquet(uri)


def transactions(lines):
    """The lines that count. Spark writes a date without a zone in microseconds."""
    moment = F.timestamp_seconds("seconds").cast("timestamp_ntz")
    zero = F.lit("1970-01-01").cast("timestamp_ntz")
    text = [("invoice_no", "string"), ("stock_code", "string"), ("description", "string")]
    return lines.where("rule is null").select(
        *[required(F.col(name), kind).alias(name) for name, kind in text],
        required(F.col("quantity"), "bigint").alias("quantity"),
        F.coalesce(moment, zero).alias("invoice_date"),
        required(F.col("unit_price"), "decimal(38,18)").alias("unit_price"),
        required(F.col("owner"), "string").alias("customer_id"),
        required(F.col("is_guest"), "boolean").alias("is_guest"),
        required(F.col("country"), "string").alias("country"),
    )


def quarantine(rows, names):
    """The rows that can't be read, but for those that name somebody who was erased."""
    object_ = F.lit(names[0])
    for number, name in enumerate(names[1:], 1):
        object_ = F.when(F.col("file") == number, name).otherwise(object_)
    if len(names) > 20:
        object_ = F.element_at(F.array(*[F.lit(name) for name in names]), F.col("file") + 1)
    found = rows.where("reason is not null and not is_mentioned")
    return found.select(
        required(object_, "string").alias("object"),
        required(F.col("line"), "bigint").alias("line"),
        "column",
        required(F.col("reason"), "string").alias("reason"),
        required(F.col("raw"), "string").alias("raw"),
    )


def shard(id_, shards):
    """By CRC-32 of the id: any program can tell whose shard a customer is in."""
    return F.expr(f"cast(crc32(cast({id_} as binary)) % {shards} as int)")


def features(spark, storage, frame, prefix, shards, held):
    """Exactly so many files, each sorted by the bytes of the ids. `held` is what is in each that is not
    empty."""
    beside = f"{prefix}/work/features"
    sharded = frame.withColumn("shard", shard("customer_id", shards))
    (
        sharded.repartition(shards, "shard")
        .sortWithinPartitions("shard", "customer_id")
        .write.mode("overwrite")
        .option("compression", "zstd")
        .partitionBy("shard")
        .parquet(beside)
    )
    storage.make_folder(f"{prefix}/features")
    parts = []
    for number in range(shards):
        to = f"{prefix}/features/part-{number:05}.parquet"
        if number in held:
            storage.rename(only_part(storage, f"{beside}/shard={number}"), to)
        else:
            storage.copy(empty(spark, storage, f"{prefix}/work/none"), to)
        row = held.get(number)
        parts.append(
            {
                "file": f"features/part-{number:05}.parquet",
                "rows": row["buyers"] if row else 0,
                "guests": row["guests"] if row else 0,
            }
        )
    storage.delete(beside)
    return parts


def only_part(storage, folder):
    parts = [name for name in storage.names(folder) if name.startswith("part-")]
    if len(parts) != 1:
        raise RuntimeError(f"{len(parts)} files in a shard, not one")
    return f"{folder}/{parts[0]}"


def empty(spark, storage, uri):
    """A table of no customers, written once."""
    if not storage.exists(uri):
        columns = [required(F.lit(None), kind).alias(name) for name, kind in FEATURES]
        write(spark.range(1).where("id < 0").select(*columns).coalesce(1), uri)
    return only_part(storage, uri)
