"""A regular expression of Rust's `regex` crate as one of Java.

The two agree on most of what a shop writes. Where they do not, the expression is put so that
Java means what Rust does, or refused.
"""

import re

from .errors import ConfigError

# Unicode classes, and lines that end with \n alone.
FLAGS = "(?Ud)"
DIFFERENT = [
    (r"\(\?(?!:)(?!i\))", "a group that is named or has flags, other than (?:…) and (?i)"),
    (r"\[\[:", "a class such as [[:alpha:]]"),
    (r"--|~~|&&", "a difference of classes"),
    (r"\\[pPxuUbB<>AzZ]", r"one of \p, \x, \u, \b, \A, \z"),
    (r"\\[0-9]", "a reference to a group"),
]


def java(pattern, origin):
    """Refuses what the two would not read alike."""
    for different, what in DIFFERENT:
        if re.search(different, pattern):
            raise ConfigError(origin, f"the Spark job does not read {what} as the rest does")
    translated, in_class, at = "", False, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            translated += pattern[at : at + 2]
            at += 2
            continue
        if in_class:
            in_class = char != "]" or pattern[at - 1] == "[" or pattern[at - 2 : at] == "[^"
        elif char == "[":
            in_class = True
        # Java's `$` is before a line end at the end, too.
        translated += "\\z" if char == "$" and not in_class else char
        at += 1
    return FLAGS + translated
