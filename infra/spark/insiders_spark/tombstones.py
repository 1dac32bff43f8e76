"""`config/erased.json`: who must not come back."""

import json
from dataclasses import dataclass

from pyspark.sql import functions as F

from .errors import JobError, plain

# Longer than any record: a length that no id has.
LONGEST = 1 << 20
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
        erased. In steps: within a lambda, what is no column is worked out at every turn."""
        if not self.erased:
            return rows.withColumn("is_mentioned", F.lit(False))
        once = F.replace(F.col(name), F.lit('""'), F.lit('"'))
        rows = rows.withColumn("once", F.when(once != F.col(name), once))
        for text in (name, "once"):
            rows = rows.withColumn(f"{text}_bytes", F.col(text).cast("binary"))
            rows = rows.withColumn(f"{text}_kinds", mask(F.col(text)).cast("binary"))
        named = self._named(name) | self._named("once")
        helpers = [f"{text}_{part}" for text in (name, "once") for part in ("bytes", "kinds")]
        return rows.withColumn("is_mentioned", named).drop("once", *helpers)

    def _named(self, text):
        bytes_, kinds = F.col(f"{text}_bytes"), F.col(f"{text}_kinds")
        size = F.octet_length(bytes_)

        def kind(at):
            return F.substr(kinds, at + 1, F.lit(1)).cast("string")

        def is_edge(at):
            inside = kind(at - 1).isin("A", "a") & (kind(at) == "A")
            begins = kind(at).isin("A", "-") & ~inside
            return (at == 0) | (at == size) | begins

        def is_id(start, length):
            there = F.substr(bytes_, start + 1, length)
            salted = F.concat(F.lit(bytearray(self.salt.encode("utf-8"))), there)
            return (start + length <= size) & is_edge(start + length) & self._is_held(salted)

        lengths = F.array(*[F.lit(length) for length in self.lengths])
        starts = F.filter(F.sequence(F.lit(0), size - 1), is_edge)
        found = F.exists(starts, lambda s: F.exists(lengths, lambda length: is_id(s, length)))
        return F.coalesce(found, F.lit(False))


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
