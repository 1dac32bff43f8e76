"""What Spark failed with, in one line and without a row."""

import re

from .errors import BadInput, JobError, plain
from .uploads import DAMAGED

# What Hadoop says of a .gz that is damaged or not whole.
OF_GZIP = [
    "Unexpected end of input stream",
    "incorrect header check",
    "not a gzip file",
    "invalid gzip header",
    "stored gzip CRC",
    "stored gzip size",
    "gzip header",
    "invalid block type",
    "invalid stored block",
    "invalid distance",
    "invalid code",
    "invalid literal",
]


def of(error):
    """The job's word for an error of Spark or Hadoop."""
    text = str(error)
    for sign in OF_GZIP:
        if sign in text:
            file = re.search(r"(?:file|s3\w*):/\S+?\.gz", text)
            object_ = file.group(0) if file else "a source"
            return BadInput(object_, DAMAGED.format(sign.lower()))
    lines = text.strip().splitlines() or [""]
    # The first line names what went wrong; what follows may quote data.
    return JobError(f"internal error: {type(error).__name__}: {plain(lines[0])[:300]}")
