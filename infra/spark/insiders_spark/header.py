"""Finds the configured columns in an export's first record; the driver reads it alone."""

import re
import unicodedata

from .errors import BadInput
from .fields import SPACES
from .settings import COLUMNS

MAX_COLUMNS = 1000
MAX_RECORD = 64 << 10


def split(record, delimiter):
    """Fields as RFC 4180 has them; what follows a closing quote is taken as it is."""
    fields, at = [], 0
    while True:
        text = ""
        if record[at : at + 1] == '"':
            inside = re.compile(r'"((?:[^"]|"")*)"?').match(record, at)
            text, at = inside.group(1).replace('""', '"'), inside.end()
        end = record.find(delimiter, at)
        if end < 0:
            fields.append(text + record[at:])
            return fields
        fields.append(text + record[at:end])
        at = end + 1


def ends_open(text, delimiter):
    """Whether a quoted field is open behind `text`, which begins with a field."""
    state = "start"
    for byte in text:
        if state == "quoted":
            state = "quote" if byte == 0x22 else "quoted"
        elif byte == 0x22 and state in ("quote", "start"):
            state = "quoted"
        else:
            state = "start" if byte == delimiter else "unquoted"
    return state == "quoted"


def first_record(text, delimiter, is_whole):
    """The first record that is not blank: its bytes, its first and last line, its shape.
    `None` if more of the file is needed to tell."""
    line, at = 1, 0
    while True:
        end, last, first_end = at - 1, line - 1, None
        while True:
            newline = text.find(b"\n", end + 1)
            if newline < 0 and not is_whole and len(text) - at <= MAX_RECORD:
                return None
            end, last = (newline if newline >= 0 else len(text)), last + 1
            first_end = end if first_end is None else first_end
            if first_end - at > MAX_RECORD:
                return text[at : at + MAX_RECORD], line, line, "too_long"
            is_over = end >= len(text)
            if end - at <= MAX_RECORD and not ends_open(text[at:end], delimiter):
                break
            if end - at > MAX_RECORD or is_over:
                return text[at:first_end], line, line, "unclosed"
        record = text[at:end].rstrip(b"\r")
        if record:
            return record, line, last, "quoted" if b'"' in record else "plain"
        if is_over or end + 1 >= len(text) and is_whole:
            return b"", line, last, "nothing"
        line, at = last + 1, end + 1


def is_value(name):
    return bool(re.search("[0-9]", name)) and not any(c.isalpha() for c in name)


def shown(names):
    def one(name):
        return "".join("\ufffd" if unicodedata.category(c) == "Cc" else c for c in name[:40])

    texts = [f"'{one(name)}'" for name in names[:20]]
    if len(names) > 20:
        texts.append(f"and {len(names) - 20} more")
    return ", ".join(texts)


def simple(name):
    return "".join(c for c in name if c.isalnum()).lower()


def advice(column, names, record, delimiter):
    for name in names:
        if simple(name) == simple(column):
            return f": is it {shown([name])}? set its name under source.columns"
    for other in ";\t|,":
        if other != delimiter and record.count(other) >= 2 and len(names) <= 2:
            text = "\\t" if other == "\t" else other
            return f": the delimiter looks like '{text}', set source.delimiter"
        if other != delimiter and record.count(other) >= 2:
            break
    return ": set its name under source.columns"


def places(record, delimiter, columns, object_):
    """Every column's name, and where each configured one stands."""
    names = [name.strip(SPACES) for name in split(record, delimiter)]
    if len(names) > MAX_COLUMNS:
        raise BadInput(object_, f"the header has {len(names)} columns, more than {MAX_COLUMNS}")
    found = {}
    for canonical in COLUMNS:
        column = columns[canonical]
        at = [i for i, name in enumerate(names) if name == column]
        if len(at) > 1:
            raise BadInput(
                object_,
                f"column '{column}' stands there twice: remove one, or set the other's name "
                "under source.columns",
            )
        if not at and any(is_value(name) for name in names):
            raise BadInput(
                object_,
                f"column '{column}' is missing and the first line holds values: put the "
                "columns' names there",
            )
        if not at:
            raise BadInput(
                object_,
                f"column '{column}' is missing; found {shown(names)}"
                + advice(column, names, record, delimiter),
            )
        found[canonical] = at[0]
    return names, found
