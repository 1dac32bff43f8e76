"""Dates by a strftime format, as the `jiff` crate reads them.

The format becomes one regular expression, which a text matches as a whole or not at all. What
it holds is put in one order by one replacement, and split: a regular expression for each part
would run as often.
"""

import re

from pyspark.sql import functions as F

from .errors import ConfigError

DAY = 86_400
# A moment in UTC has to fit: the last is 9999-12-30T22:00:00. An earlier year than 1000 is one
# of two digits, or none.
LAST = 253_402_207_200
FIRST = -30_610_224_000
SPACE = "[\\t\\n\\x0c\\r ]*+"
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
COMPOSED = {"F": "%Y-%m-%d", "D": "%m/%d/%y", "T": "%H:%M:%S", "R": "%H:%M"}
# Part of a moment, and most digits.
NUMBERS = {
    "Y": ("year", 4),
    "y": ("short_year", 2),
    "m": ("month", 2),
    "d": ("day", 2),
    "e": ("day", 2),
    "H": ("hour", 2),
    "k": ("hour", 2),
    "I": ("hour12", 2),
    "l": ("hour12", 2),
    "M": ("minute", 2),
    "S": ("second", 2),
    "j": ("day_of_year", 3),
}
# Stands before what was replaced: no text of a row that can be read has it.
MARK = "\0"


class Format:
    """The expression of a format, and which of its groups is what."""

    def __init__(self, format_):
        self.format = format_
        self.groups = {}
        self.count = 0
        self.pattern = f"\\A{self._of(format_)}\\z"
        parts = self.groups.keys()
        has_month = {"month", "month_name"} & parts
        has_date = has_month and "day" in parts or "day_of_year" in parts
        has_time = "minute" not in parts and "second" not in parts or self._hour()
        if not has_date or not {"year", "short_year"} & parts or not has_time:
            raise ConfigError("source.date_format", f"'{format_}' does not hold a whole date")

    def _hour(self):
        return {"hour", "hour12"} & self.groups.keys()

    def _group(self, part, pattern):
        self.count += 1
        self.groups[part] = self.count
        return f"({pattern})"

    def _of(self, format_):
        pattern, at = "", 0
        for found in re.finditer(r"%([-_0^#]?)(\d*)(\.\d*f|[A-Za-z%])", format_):
            pattern += self._literal(format_[at : found.start()])
            pattern += self._directive(*found.groups())
            at = found.end()
        return pattern + self._literal(format_[at:])

    def _literal(self, text):
        if "%" in text:
            raise ConfigError("source.date_format", f"'{self.format}' is no format")
        return "".join(SPACE if c in "\t\n\x0c\r " else "\\Q" + c + "\\E" for c in text)

    def _directive(self, flag, width, letter):
        if letter in COMPOSED:
            return self._of(COMPOSED[letter])
        if letter in NUMBERS:
            part, digits = NUMBERS[letter]
            most = digits if flag in "-_" and flag else max(digits, int(width or digits))
            sign = "([+-]?+)" if letter == "Y" else ""
            self.count += 1 if sign else 0
            if sign:
                self.groups["sign"] = self.count
            return sign + SPACE + self._group(part, f"[0-9]{{1,{most}}}+")
        if letter in "bh":
            return self._group("month_name", "(?i:" + "|".join(m[:3] for m in MONTHS) + ")")
        if letter == "B":
            return self._group("month_name", "(?i:" + "|".join(MONTHS) + ")")
        if letter == "a":
            return self._group("weekday", "(?i:" + "|".join(d[:3] for d in DAYS) + ")")
        if letter == "A":
            return self._group("weekday", "(?i:" + "|".join(DAYS) + ")")
        if letter in "pP":
            return self._group("half", "(?i:am|pm)")
        if letter in "fN":
            return "[0-9]{1,9}+"
        if letter.startswith("."):
            return "(?:[.][0-9]{1,9}+)?+"
        if letter in "nt":
            return f"(?=(?s:.)){SPACE}"
        if letter == "%":
            return "%"
        raise ConfigError(
            "source.date_format", f"'%{letter}' of '{self.format}' is not read by the Spark job"
        )

    def parts(self, text):
        """An array of the parts, null where the text does not match."""
        order = sorted(self.groups, key=self.groups.get)
        replacement = MARK + "|".join(f"${self.groups[part]}" for part in order)
        replaced = F.regexp_replace(text, self.pattern, replacement)
        return F.when(
            F.startswith(replaced, F.lit(MARK)), F.split(F.substr(replaced, F.lit(2)), "\\|", -1)
        )

    def seconds(self, parts):
        """Seconds since 1970, from `parts`; null where there is no such moment."""
        order = sorted(self.groups, key=self.groups.get)

        def text(part):
            return F.element_at(parts, order.index(part) + 1)

        def number(part):
            return text(part).cast("int")

        days = self._days(text, number)
        hour = self._hour_of(number, text)
        minute = number("minute") if "minute" in self.groups and self._hour() else F.lit(0)
        second = number("second") if "second" in self.groups and self._hour() else F.lit(0)
        # A leap second is the one before it.
        second = F.when(second == 60, 59).otherwise(second)
        is_time = (hour <= 23) & (minute <= 59) & (second <= 59)
        if "second" in self.groups and not self._hour():
            is_time = is_time & (number("second") <= 60)
        if "minute" in self.groups and not self._hour():
            is_time = is_time & (number("minute") <= 59)
        at = days.cast("long") * DAY + hour * 3_600 + minute * 60 + second
        return F.when(is_time & at.between(FIRST, LAST), at)

    def _days(self, text, number):
        if "year" in self.groups and (
            "short_year" not in self.groups or self.groups["short_year"] < self.groups["year"]
        ):
            year = F.when(text("sign") == "-", -number("year")).otherwise(number("year"))
        else:
            year = number("short_year") + F.when(number("short_year") <= 68, 2000).otherwise(1900)
        names = self.groups.get("month_name", 0)
        if names > self.groups.get("month", 0):
            short = F.substr(F.lower(text("month_name")), F.lit(1), F.lit(3))
            month = F.coalesce(*[F.when(short == m[:3], i + 1) for i, m in enumerate(MONTHS)])
        elif "month" in self.groups:
            month = number("month")
        if "day_of_year" in self.groups and "day" not in self.groups:
            first = F.make_date(year, F.lit(1), F.lit(1))
            date = F.date_add(first, number("day_of_year") - 1)
            date = F.when((F.year(date) == year) & (number("day_of_year") >= 1), date)
        else:
            date = F.make_date(year, month, number("day"))
        date = F.when(year.between(1000, 9999), date)
        if "weekday" in self.groups:
            short = F.substr(F.lower(text("weekday")), F.lit(1), F.lit(3))
            named = F.coalesce(*[F.when(short == d[:3], i + 1) for i, d in enumerate(DAYS)])
            date = F.when(F.dayofweek(date) == named, date)
        return F.unix_date(date)

    def _hour_of(self, number, text):
        hour = F.lit(0)
        if "hour" in self.groups:
            hour = number("hour")
        if self.groups.get("hour12", 0) > self.groups.get("hour", 0):
            hour = F.when(number("hour12").between(1, 12), number("hour12"))
        if "half" in self.groups and self._hour():
            is_late = F.lower(text("half")) == "pm"
            hour = F.when(hour <= 23, hour % 12 + F.when(is_late, 12).otherwise(0))
        return hour
