"""Bytes of a record as text. Only built-ins that give the same on Spark 3.5 and 4."""

from pyspark.sql import functions as F

from .uploads import UPPER_1252

UPPER = "".join(chr(code) for code in range(0x80, 0xA0))
UNDEFINED = "[\\x81\\x8d\\x8f\\x90\\x9d]"
HAS_VALIDITY = hasattr(F, "is_valid_utf8")


def text(raw, is_utf8):
    """The text of `raw`, null where the bytes are none in the encoding."""
    as_is = raw.cast("string")
    if HAS_VALIDITY:
        utf8 = F.when(F.is_valid_utf8(as_is), as_is)
    else:
        read = F.decode(raw, "UTF-8")
        utf8 = F.when(F.encode(read, "UTF-8") == raw, read)
    latin = F.decode(raw, "ISO-8859-1")
    # What is ASCII has as many bytes in utf-8.
    windows = (
        F.when(F.octet_length(latin) == F.octet_length(raw), latin)
        .when(F.rlike(latin, F.lit(UNDEFINED)), None)
        .when(F.rlike(latin, F.lit("[\\x80-\\x9f]")), F.translate(latin, UPPER, UPPER_1252))
        .otherwise(latin)
    )
    if is_utf8 is True:
        return utf8
    return windows if is_utf8 is False else F.when(is_utf8, utf8).otherwise(windows)


def lossy(raw, text_):
    """Some text for `raw` whatever it is, to show a person what stood there."""
    if HAS_VALIDITY:
        replaced = F.make_valid_utf8(raw.cast("string"))
    else:
        # Java takes a surrogate's three bytes for one mistake: its first byte is made one of its own.
        latin = F.decode(raw, "ISO-8859-1")
        marked = F.regexp_replace(latin, "\\xed(?=[\\xa0-\\xbf])", "\u00ff")
        replaced = F.decode(F.encode(marked, "ISO-8859-1"), "UTF-8")
    return F.replace(F.coalesce(text_, replaced), F.lit("\0"), F.lit("\ufffd"))


def has_nul(text_):
    return F.contains(text_, F.lit("\0"))
