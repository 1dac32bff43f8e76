"""What quotes do to a physical line, as regular expressions of Java.

A quote opens a quoted field only at the field's start, `""` inside it is one quote, and what
follows the closing quote up to the delimiter is taken as it is. Possessive loops: nothing is
ever tried twice, and long fields need no stack.
"""


class Quotes:
    """The expressions for one delimiter."""

    def __init__(self, delimiter):
        self.delimiter = f"\\x{{{ord(delimiter):x}}}"
        # As Java splits without a regular expression.
        self.splitter = (
            delimiter if delimiter.isalnum() or delimiter in ", ;\t" else "\\" + delimiter
        )
        d = self.delimiter
        inside = r'[^"]*+(?:""[^"]*+)*+'
        field = f'(?:"{inside}"[^{d}]*+|[^"{d}][^{d}]*+)?+'
        # Ends inside a quoted field, where it begins with a field.
        rest_opens = f'(?:{field}{d})*+"{inside}\\z'
        self.opens = f"\\A{rest_opens}"
        # Ends inside a quoted field, where it begins inside of one.
        self.stays_open = f'\\A{inside}(?:\\z|"[^{d}]*+{d}{rest_opens})'
        # One field and the delimiter before it.
        self.field = f'{d}((?:"{inside}(?:"[^{d}]*+)?+|[^"{d}][^{d}]*+)?+)'
        # A quoted field's inside and its tail.
        self.inside = f'(?s)\\A"({inside})"?+(.*)\\z'
