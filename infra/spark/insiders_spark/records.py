"""Records: physical lines, joined where a quoted field spans several.

Almost no export has such fields, and then every line is a record. Otherwise a line that would
open a quote is joined with the lines up to the first that closes it, if all of them fit into
64 KiB; if not, it stands alone as unclosed. Which of these lines are inside of a record before
is decided within stretches of lines that no quote reaches into from before.
"""

from pyspark.sql import Window
from pyspark.sql import functions as F

from .lines import MAX_RECORD, opens
from .quotes import Quotes

# Lines that are looked at together: small, so that few lines are looked at closely.
CHUNK = 128
# A table of joined lines up to this size goes to every executor.
FEW = 500_000


def of(spark, scan, delimiter):
    """file, line, shape, raw (bytes without the line's end): blank ones left out."""
    lines = scan.numbered(spark)
    if not scan.has_openers:
        return records(lines.withColumn("is_unclosed", F.lit(False)))
    places = spans(lines, Quotes(delimiter)).persist()
    table = places if places.count() > FEW else F.broadcast(places)
    placed = lines.join(table, ["file", "line"], "left")
    alone = placed.where(F.col("head").isNull()).drop("head")
    alone = alone.withColumn("is_unclosed", F.coalesce("is_unclosed", F.lit(False)))
    pieces = placed.where(F.col("head").isNotNull()).select(
        "file", "head", F.struct("line", "value").alias("piece")
    )
    text = F.array_join(
        F.transform(F.sort_array(F.collect_list("piece")), lambda piece: piece["value"]), "\n"
    )
    joined = pieces.groupBy("file", "head").agg(text.alias("value"))
    joined = joined.select("file", F.col("head").alias("line"), "value")
    return records(alone.unionByName(joined.withColumn("is_unclosed", F.lit(False))))


def records(lines):
    """Names the shape of each, and takes the carriage returns off its end."""
    value = F.col("value")
    shape = (
        F.when(F.octet_length(value) > MAX_RECORD, F.lit("too_long"))
        .when(F.col("is_unclosed"), F.lit("unclosed"))
        .when(F.contains(value, F.lit('"')), F.lit("quoted"))
        .otherwise(F.lit("plain"))
    )
    shaped = lines.select("file", "line", shape.alias("shape"), "value")
    too_long = F.substring(F.col("value").cast("binary"), 1, MAX_RECORD)
    raw = F.when(F.col("shape") == "too_long", too_long).otherwise(ended(F.col("value")))
    return shaped.select("file", "line", "shape", raw.alias("raw")).where(F.octet_length("raw") > 0)


def ended(value):
    """The bytes without the carriage returns at their end. Bytes are counted, not characters:
    what is not utf-8 has none."""
    bytes_, size = value.cast("binary"), F.octet_length(value)
    latin = F.decode(bytes_, "ISO-8859-1")
    returns = F.length(F.regexp_extract(latin, "\\r*+\\z", 0))
    return (
        F.when(~F.endswith(value, F.lit("\r")), bytes_)
        .when(~F.endswith(value, F.lit("\r\r")), F.substr(bytes_, F.lit(1), size - 1))
        .otherwise(F.substr(bytes_, F.lit(1), size - returns))
    )


def spans(lines, quotes):
    """file, line, head, is_unclosed: the lines of records of several lines with the number of
    the first, and the lines that are alone with a quote that is never closed."""
    value = F.col("value")
    may_close = F.contains(value, F.lit('"')) & (F.octet_length(value) <= MAX_RECORD)
    looked_at = lines.select(
        "file",
        "line",
        F.expr(f"line div {CHUNK}").alias("chunk"),
        (F.octet_length(value) + 1).cast("long").alias("bytes"),
        opens(value, quotes).alias("opens"),
        F.when(may_close, ~F.rlike(value, F.lit(quotes.stays_open)))
        .otherwise(False)
        .alias("closes"),
    )
    of_chunk = Window.partitionBy("file").orderBy("chunk")
    before = of_chunk.rowsBetween(Window.unboundedPreceding, -1)
    chunks = (
        looked_at.groupBy("file", "chunk")
        .agg(F.sum("bytes").alias("bytes"), F.max("opens").alias("opens"))
        .withColumn("end", F.sum("bytes").over(of_chunk.rowsBetween(Window.unboundedPreceding, 0)))
        .withColumn("reach", F.when(F.col("opens"), F.col("end") + MAX_RECORD))
        .withColumn("reached", F.max("reach").over(before))
        .withColumn(
            "is_reached",
            F.coalesce(F.col("end") - F.col("bytes") <= F.col("reached"), F.lit(False)),
        )
        .withColumn("stretch", F.sum(F.when(~F.col("is_reached"), 1).otherwise(0)).over(of_chunk))
        .where("opens or is_reached")
        .select("file", "chunk", "stretch")
    )
    stretch = Window.partitionBy("file", "stretch")
    down = stretch.orderBy(F.desc("line")).rowsBetween(Window.unboundedPreceding, -1)
    up = stretch.orderBy("line").rowsBetween(Window.unboundedPreceding, 0)
    above = stretch.orderBy("line").rowsBetween(Window.unboundedPreceding, -1)
    end = F.col("end") - 1
    openers = (
        looked_at.join(chunks, ["file", "chunk"])
        .withColumn("end", F.sum("bytes").over(up))
        .where("opens or closes")
        .withColumn("close", F.when(F.col("closes"), F.struct("line", end.alias("end"))))
        .withColumn("close", F.last("close", ignorenulls=True).over(down))
        .where("opens")
        .withColumn("start", F.col("end") - F.col("bytes"))
        .withColumn(
            "fits", F.coalesce(F.col("close.end") - F.col("start") <= MAX_RECORD, F.lit(False))
        )
        .withColumn("next", F.when(F.col("fits"), F.col("close.line")).otherwise(F.col("line")) + 1)
        .withColumn("reach", F.max("next").over(above))
        .withColumn("is_start", F.coalesce(F.col("reach") <= F.col("line"), F.lit(True)))
        .withColumn("group", F.sum(F.col("is_start").cast("int")).over(up))
    )
    found = (
        openers.groupBy("file", "stretch", "group")
        .agg(F.sort_array(F.collect_list(F.struct("line", "next", "fits"))).alias("openers"))
        .select("file", F.explode(starts(F.col("openers"))).alias("opener"))
    )
    joined = found.where("opener.fits").select(
        "file",
        F.explode(F.expr("sequence(opener.line, opener.next - 1)")).alias("line"),
        F.col("opener.line").alias("head"),
        F.lit(False).alias("is_unclosed"),
    )
    unclosed = found.where("not opener.fits").select(
        "file",
        F.col("opener.line").alias("line"),
        F.lit(None).cast("long").alias("head"),
        F.lit(True).alias("is_unclosed"),
    )
    return joined.unionByName(unclosed)


def starts(openers):
    """Of openers in their order, those that no record before them holds."""
    kept = "array<struct<line:bigint,next:bigint,fits:boolean>>"
    zero = F.struct(
        F.lit(0).cast("long").alias("at"), F.expr(f"cast(array() as {kept})").alias("kept")
    )

    def step(state, opener):
        is_inside = opener["line"] < state["at"]
        return F.struct(
            F.when(is_inside, state["at"]).otherwise(opener["next"]).alias("at"),
            F.when(is_inside, state["kept"])
            .otherwise(F.concat(state["kept"], F.array(opener)))
            .alias("kept"),
        )

    many = F.aggregate(openers, zero, step, lambda state: state["kept"])
    return F.when(F.size(openers) == 1, openers).otherwise(many)
