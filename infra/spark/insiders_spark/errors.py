"""What went wrong, under the names that the state machine knows. One line, and never a
customer's row."""

START = 1_200
END = 300


def plain(text):
    """One line that a person reads, whatever is quoted in it."""
    text = "".join(
        " " if c in "\n\r\t" else "\ufffd" if ord(c) < 32 or 127 <= ord(c) < 160 else c
        for c in text
    )
    if len(text) <= START + END:
        return text
    return text[:START] + "…" + text[-END:]


class JobError(Exception):
    """A run that ends with a clear word."""

    name = "Insiders.Internal"
    exit_code = 1


class ConfigError(JobError):
    """A setting or an argument is wrong."""

    name = "Insiders.Config"
    exit_code = 2

    def __init__(self, origin, reason):
        super().__init__(f"{plain(origin)}: {plain(reason)}")


class BadInput(JobError):
    """The data can't be used as they are: the same input will fail again."""

    name = "Insiders.BadInput"
    exit_code = 3

    def __init__(self, object_, reason, line=None, column=None):
        place = f", line {line}" if line is not None else ""
        place += f", column {column}" if column is not None else ""
        super().__init__(f"{plain(object_)}{place}: {plain(reason)}")


class NotFound(JobError):
    """Something that was named does not exist."""

    name = "Insiders.NotFound"
