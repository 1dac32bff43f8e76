"""Splits a record into fields."""

from pyspark.sql import functions as F

from .quotes import Quotes

# `char::is_whitespace`: every one that Unicode calls white space.
SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def split(text, shape, delimiter):
    """All fields as they stand there."""
    quotes = Quotes(delimiter)
    fields = F.regexp_extract_all(F.concat(F.lit(delimiter), text), F.lit(quotes.field), F.lit(1))
    return F.when(shape == "quoted", fields).otherwise(F.split(text, quotes.splitter, -1))


def unquoted(field, delimiter):
    """A field without its quotes."""
    inside = Quotes(delimiter).inside
    text = F.replace(F.regexp_extract(field, inside, 1), F.lit('""'), F.lit('"'))
    return F.when(
        F.startswith(field, F.lit('"')), F.concat(text, F.regexp_extract(field, inside, 2))
    ).otherwise(field)


def unquoted_if(field, shape, delimiter):
    return F.when(shape == "quoted", unquoted(field, delimiter)).otherwise(field)


def trim(text):
    return F.btrim(text, F.lit(SPACES))
