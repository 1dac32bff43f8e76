"""`config/erased.json`: who must not come back."""

import json
from dataclasses import dataclass

from pyspark.sql import functions as F

from .errors import JobError, plain

# Longer than any record: a length that no id has.
LONGEST = 1 << 20
# Starts of ids that are looked at together, in bytes.
WINDOW = 256
# `char::is_alphanumeric`.
WORD = "\\p{IsAlphabetic}\\p{N}"


@dataclass(frozen=True)
class Tombstones:
    """Salted digests of the ids of those who were erased."""

    salt: str
    lengths: list
    erased: list

    @classmethod
    def read(cls, text, origin):
        try:
            found = json.loads(text)
            if found["schema_version"] != 1:
                raise ValueError(f"it has schema version {found['schema_version']}")
            lengths = [length for length in found["lengths"] if length <= LONGEST]
            return cls(found["salt"], lengths, found["erased"])
        except (ValueError, KeyError, TypeError) as error:
            raise JobError(f"{origin} is damaged: {plain(str(error))}") from None

    def _is_held(self, salted):
        return F.sha2(salted, 256).isin(self.erased)

    def holds(self, id_):
        """Whether this customer was erased."""
        if not self.erased:
            return F.lit(False)
        salted = F.concat(F.lit(self.salt), id_)
        held = F.octet_length(id_).isin(self.lengths) & self._is_held(salted)
        return F.coalesce(held, F.lit(False))

    def mentioned(self, rows, name):
        """Adds `is_mentioned`: whether a text that can't be taken apart names somebody who was
        erased."""
        if not self.erased or not self.lengths:
            return rows.withColumn("is_mentioned", F.lit(False))
        once = F.replace(F.col(name), F.lit('""'), F.lit('"'))
        rows = rows.withColumn("once", F.when(once != F.col(name), once))
        # In steps: within a lambda, what is no column is worked out at every turn.
        for text in (name, "once"):
            rows = rows.withColumn(f"{text}_bytes", F.col(text).cast("binary"))
            rows = rows.withColumn(f"{text}_kinds", mask(F.col(text)).cast("binary"))
            rows = rows.withColumn(f"{text}_windows", self._windows(text))
        named = self._named(f"{name}_windows") | self._named("once_windows")
        parts = ["bytes", "kinds", "windows"]
        helpers = [f"{text}_{part}" for text in (name, "once") for part in parts]
        return rows.withColumn("is_mentioned", named).drop("once", *helpers)

    def _windows(self, text):
        """Pieces of the text, each with a byte before it and room for the longest id behind it:
        what a lambda looks at is copied at every turn, and a row may have 64 KiB."""
        bytes_, kinds = F.col(f"{text}_bytes"), F.col(f"{text}_kinds")
        length = F.lit(1 + WINDOW + max(self.lengths) + 1)

        def window(at):
            return F.struct(
                F.substr(bytes_, at, length).alias("bytes"),
                F.substr(kinds, at, length).alias("kinds"),
                (at == 1).alias("is_first"),
            )

        # The first begins with the first byte, which has none before it: places are from 1.
        last = F.greatest(F.octet_length(bytes_), F.lit(1))
        return F.transform(F.sequence(F.lit(1), last, F.lit(WINDOW)), window)

    def _named(self, windows):
        lengths = F.array(*[F.lit(length) for length in self.lengths])

        def of_window(window):
            kinds, size = window["kinds"], F.octet_length(window["kinds"])

            def kind(at):
                return F.substr(kinds, at, F.lit(1)).cast("string")

            # Whether a word may begin or end before the byte at a place; places are from 1.
            def is_edge(at):
                inside = kind(at - 1).isin("A", "a") & (kind(at) == "A")
                begins = kind(at).isin("A", "-") & ~inside
                return (window["is_first"] & (at == 1)) | (at == size + 1) | begins

            def is_id(start, length):
                there = F.substr(window["bytes"], start, length)
                salted = F.concat(F.lit(bytearray(self.salt.encode("utf-8"))), there)
                fits = start + length <= size + 1
                return fits & is_edge(start + length) & self._is_held(salted)

            def begins(start):
                is_start = (start > 1) | window["is_first"]
                any_id = F.exists(lengths, lambda length: is_id(start, length))
                return is_start & is_edge(start) & any_id

            last = F.greatest(F.least(size, F.lit(WINDOW + 1)), F.lit(1))
            return F.exists(F.sequence(F.lit(1), last), begins)

        return F.coalesce(F.exists(F.col(windows), of_window), F.lit(False))


def mask(text):
    """A byte for each byte of the text: `A` for a letter or digit, `-` for anything else, and
    `a` and `_` for what follows in a character of several bytes."""
    found = F.regexp_replace(text, "[\\x00-\\x7f&&[^0-9A-Za-z]]", "-")
    found = F.regexp_replace(found, "[0-9A-Za-z]", "A")
    for size, range_ in enumerate(
        ("\\x{80}-\\x{7ff}", "\\x{800}-\\x{ffff}", "\\x{10000}-\\x{10ffff}"), 1
    ):
        found = F.regexp_replace(found, f"[{range_}&&[{WORD}]]", "A" + "a" * size)
        found = F.regexp_replace(found, f"[{range_}&&[^{WORD}]]", "-" + "_" * size)
    return found
