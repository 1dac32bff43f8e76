"""Physical lines with their numbers.

Spark reads a file in splits and has no number of a line. Rows of one split come in order, and
`monotonically_increasing_id` counts them, so that a line's number is what all splits before it
hold and its place in its own. Bytes are kept as they are: a record is decoded as a whole.
"""

import json
from dataclasses import dataclass

from pyspark.sql import functions as F

from .quotes import Quotes

MAX_RECORD = 64 << 10
BLOCKS = "array<struct<path:string,block:bigint,file:int,shift:bigint>>"


def same(path):
    """Hadoop writes `file:/x` and `file:///x` for the same."""
    scheme, found, rest = path.partition(":/")
    return f"{scheme}:/{rest.lstrip('/')}" if found else path


def glob_free(uri):
    """The URI as a pattern that matches itself alone."""
    return "".join("\\" + c if c in "\\*?[]{}" else c for c in uri)


@dataclass(frozen=True)
class Scan:
    """The lines of all uploads."""

    uploads: list
    raw: object
    blocks: list
    has_openers: bool

    def numbered(self, spark):
        """file, line, value: without the headers."""
        # A literal, so that no executor needs Python.
        blocks = F.from_json(F.lit(json.dumps(self.blocks)), BLOCKS)
        table = F.broadcast(spark.range(1).select(F.inline(blocks)))
        lines = self.raw.join(table, ["path", "block"])
        header = F.lit(self.uploads[0].header_lines)
        for upload in self.uploads[1:]:
            if upload.header_lines != self.uploads[0].header_lines:
                is_it = F.col("file") == upload.number
                header = F.when(is_it, upload.header_lines).otherwise(header)
        return lines.select("file", (F.col("id") + F.col("shift")).alias("line"), "value").where(
            F.col("line") > header
        )


def scan(spark, uploads, delimiter):
    """Reads all uploads once, for the lines of each split and whether a quote stays open."""
    quotes = Quotes(delimiter)
    raw = (
        spark.read.option("lineSep", "\n")
        .text([glob_free(upload.uri) for upload in uploads])
        .select(
            F.col("_metadata.file_path").alias("path"),
            F.col("_metadata.file_block_start").alias("block"),
            F.monotonically_increasing_id().alias("id"),
            "value",
        )
    )
    found = (
        raw.groupBy("path", "block")
        .agg(
            F.count("*").alias("lines"),
            F.min("id").alias("first"),
            F.max(opens(F.col("value"), quotes)).alias("opens"),
        )
        .collect()
    )
    number = {same(upload.path): upload.number for upload in uploads}
    found.sort(key=lambda split: (number[same(split.path)], split.block))
    blocks, before, last = [], 0, None
    for split in found:
        before = before if split.path == last else 0
        file = number[same(split.path)]
        shift = before + 1 - split.first
        blocks.append({"path": split.path, "block": split.block, "file": file, "shift": shift})
        before, last = before + split.lines, split.path
    return Scan(uploads, raw, blocks, any(split.opens for split in found))


def opens(value, quotes):
    """Whether a line ends inside a quoted field. One that is too long is no record's start."""
    may = F.contains(value, F.lit('"')) & (F.octet_length(value) <= MAX_RECORD)
    return F.when(may, F.rlike(value, F.lit(quotes.opens))).otherwise(False)
