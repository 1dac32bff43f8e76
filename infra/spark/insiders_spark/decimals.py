"""Numbers as texts: exact decimals of 18 places, and whole numbers.

Spark's own cast rounds halves up and takes other texts for numbers. What is read by it here is
a text of digits that it reads exactly; the rest is put together digit by digit.

Everything is done in steps over columns: an expression that is used twice would be worked out
and compiled twice, and one that is made of such ones grows without bounds.
"""

from pyspark.sql import functions as F

EXACT = "decimal(38,18)"
SIGN = "[+-]?+"
SIMPLE = f"\\A{SIGN}(?:[0-9]{{1,15}}(?:[.][0-9]{{0,18}})?|[.][0-9]{{1,18}})\\z"
WHOLE = f"\\A{SIGN}[0-9]{{1,12}}\\z"
GENERAL = f"\\A({SIGN})(?=[.]?[0-9])([0-9]*+)[.]?+([0-9]*+)(?:[eE]([+-]?+[0-9]++))?+\\z"
NOT_FINITE = f"(?i)\\A{SIGN}(?:nan|inf|infinity)\\z"
# Stands before what was taken apart: no text of a row that can be read has it.
MARK = "\0"
# Numbers are below 10^15, quantities below 10^12.
LARGEST = 15
SCALE = 18
LIMIT = "1000000000000000"
MAX_QUANTITY = 1_000_000_000_000


def parsed(frame, names):
    """Adds `{name}_value` and `{name}_wrong` for each column of texts: null, `missing`,
    `syntax`, `not_finite` or `out_of_range`; and `{name}_whole` where it is a plain whole number
    of up to 12 digits, which has no `{name}_value` then."""
    wholes = [
        F.when(F.rlike(n, F.lit(WHOLE)), F.col(n).cast("bigint")).alias(f"{n}_whole") for n in names
    ]
    frame = frame.select("*", *wholes)
    for step in (taken_apart, digits, cut, put_together):
        frame = frame.select("*", *[column for name in names for column in step(name)])
    steps = ["parts", "digits", "point", "units", "half", "rest"]
    return frame.drop(*[f"{name}_{step}" for name in names for step in steps])


def taken_apart(name):
    """Sign, digits before and behind the point, and exponent, of what is no simple number."""
    text = F.col(name)
    replaced = F.regexp_replace(text, GENERAL, MARK + "$1|$2|$3|$4")
    rare = F.col(f"{name}_whole").isNull() & ~F.rlike(text, F.lit(SIMPLE)) & (text != "")
    yield F.when(rare, F.split(replaced, "\\|", -1)).alias(f"{name}_parts")


def digits(name):
    """Digits without zeros before them, and how many of them stand before the point."""
    parts = F.col(f"{name}_parts")
    whole, places = F.get(parts, 1), F.get(parts, 2)
    exponent = F.get(parts, 3)
    size = F.regexp_replace(exponent, "\\A[+-]?+0*+", "")
    # However long, it is held within what any digits can reach.
    power = F.when(F.length(size) > 6, 100_000).when(size == "", 0).otherwise(size.cast("int"))
    power = F.least(power, F.lit(100_000)) * F.when(
        F.startswith(exponent, F.lit("-")), -1
    ).otherwise(1)
    leading = F.length(F.regexp_extract(F.concat(whole, places), "\\A(0*+)", 1))
    yield F.regexp_replace(F.concat(whole, places), "\\A0++", "").alias(f"{name}_digits")
    yield (F.length(whole) - leading + power).alias(f"{name}_point")


def cut(name):
    """Units of 10^-18, the digit behind them, and all that follow."""
    found, point = F.col(f"{name}_digits"), F.col(f"{name}_point")
    kept = F.least(F.greatest(point + SCALE, F.lit(0)), F.lit(LARGEST + SCALE))
    nothing = point + SCALE < 0
    units = F.call_function("rpad", F.substr(found, F.lit(1), kept), kept, F.lit("0"))
    yield F.lpad(units, LARGEST + SCALE, "0").alias(f"{name}_units")
    yield F.when(nothing, "").otherwise(F.substr(found, kept + 1, F.lit(1))).alias(f"{name}_half")
    rest = F.substr(found, kept + 2, F.length(found))
    yield F.when(nothing, "").otherwise(rest).alias(f"{name}_rest")


def put_together(name):
    """Rounds half to even, and judges."""
    text, parts, point = F.col(name), F.col(f"{name}_parts"), F.col(f"{name}_point")
    units, half, rest = (F.col(f"{name}_{part}") for part in ("units", "half", "rest"))
    is_odd = F.rlike(units, F.lit("[13579]\\z"))
    up = (half > "5") | ((half == "5") & (F.rlike(rest, F.lit("[1-9]")) | is_odd))
    down = F.concat(
        F.substring(units, 1, LARGEST), F.lit("."), F.substring(units, LARGEST + 1, SCALE)
    )
    one = F.when(up, "0.000000000000000001").otherwise("0").cast(EXACT)
    magnitude = (down.cast(EXACT) + one).cast(EXACT)
    negative = F.get(parts, 0) == MARK + "-"
    value = F.when(negative, (-magnitude).cast(EXACT)).otherwise(magnitude)
    is_nothing = F.col(f"{name}_digits") == ""
    is_large = ~is_nothing & ((point > LARGEST) | (magnitude >= F.lit(LIMIT).cast(EXACT)))
    usual, is_number = parts.isNull(), F.size(parts) == 4
    yield (
        F.when(usual & F.col(f"{name}_whole").isNull(), text.cast(EXACT))
        .when(is_number & is_nothing, F.lit("0").cast(EXACT))
        .when(is_number & ~is_large, value)
        .alias(f"{name}_value")
    )
    yield (
        F.when(text == "", "missing")
        .when(usual, None)
        .when(F.rlike(text, F.lit(NOT_FINITE)), "not_finite")
        .when(~is_number, "syntax")
        .when(is_large, "out_of_range")
        .alias(f"{name}_wrong")
    )


def whole(name):
    """A whole number, also written `6.0`, and what is wrong with it: from `parsed`."""
    value, wrong = F.col(f"{name}_value"), F.col(f"{name}_wrong")
    known = F.col(f"{name}_whole")
    cut_off = value.cast("bigint")
    judged = (
        F.when(known.isNotNull(), None)
        .when(wrong == "syntax", "quantity")
        .when(wrong.isNotNull(), wrong)
        .when(value != cut_off.cast(EXACT), "quantity")
        .when(F.abs(cut_off) >= MAX_QUANTITY, "out_of_range")
    )
    return F.coalesce(known, cut_off), judged


def price(name):
    """A price, and what is wrong with it: from `parsed`."""
    known, wrong = F.col(f"{name}_whole"), F.col(f"{name}_wrong")
    value = F.coalesce(known.cast(EXACT), F.col(f"{name}_value"))
    return value, F.when(wrong == "syntax", "unit_price").otherwise(wrong)
