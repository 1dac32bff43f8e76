"""The settings of a run, from the `run` object that `preprocess-to-parquet` decided on."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from .errors import ConfigError

COLUMNS = [
    "invoice_no",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "customer_id",
    "country",
]
PLACES = Decimal("1e-18")
DAY = 86_400


@dataclass(frozen=True)
class Settings:
    """What decides the rows and the features."""

    utf8: bool
    delimiter: str
    date_format: str
    null_values: list
    columns: dict
    append: bool
    window_days: object
    guests: str
    excluded_stock_codes: str
    excluded_countries: list
    excluded_customers: list
    min_unit_price: Decimal
    max_quarantined_share: float
    as_of: object
    source_key: object
    run_id: object


@dataclass(frozen=True)
class AsOf:
    """A moment in the shop's own time, as it was written and in seconds of the epoch."""

    text: str
    seconds: int


def as_of(text):
    """`2011-12-09` is the end of that day."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += "T23:59:59"
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(\.\d+)?", text)
    try:
        moment = datetime.fromisoformat(found.group(1))
    except (AttributeError, ValueError):
        raise ConfigError(
            "as-of",
            f"'{text}' is neither a date (2011-12-09) nor a date and time (2011-12-09T12:50:00)",
        ) from None
    return AsOf(text, int(moment.replace(tzinfo=UTC).timestamp()))


def moment(seconds):
    """The text of a moment; past the year 9999 there is none."""
    days, rest = divmod(seconds, DAY)
    day = datetime.fromordinal(719_163 + days)
    hours, rest = divmod(rest, 3_600)
    return f"{day:%Y-%m-%d}T{hours:02}:{rest // 60:02}:{rest % 60:02}".rjust(19, "0")


def decimal(value):
    """18 places, rounded half to even."""
    try:
        found = Decimal(str(value).strip())
        return found.quantize(PLACES, ROUND_HALF_EVEN, Context(prec=60))
    except InvalidOperation:
        raise ConfigError("cleaning.min_unit_price", f"'{value}' is no number") from None


def read(text, origin):
    """Reads a RunState, its `run` or a manifest: all of them have the settings."""
    try:
        found = json.loads(text, parse_float=Decimal)
        run = found.get("run", found)
        settings = run["settings"]
        source, cleaning = settings["source"], settings["cleaning"]
        given = run.get("as_of")
        read = Settings(
            utf8=source["encoding"] == "utf-8",
            delimiter=source["delimiter"],
            date_format=source["date_format"],
            null_values=list(source["null_values"]),
            columns={name: source["columns"][name] for name in COLUMNS},
            append=source.get("history", "snapshot") == "append",
            window_days=source.get("window_days"),
            guests=cleaning["guests"],
            excluded_stock_codes=cleaning["excluded_stock_codes"],
            excluded_countries=list(cleaning["excluded_countries"]),
            excluded_customers=list(cleaning["excluded_customers"]),
            min_unit_price=decimal(cleaning["min_unit_price"]),
            max_quarantined_share=float(cleaning["max_quarantined_share"]),
            as_of=as_of(given) if given else None,
            source_key=run.get("source", {}).get("key"),
            run_id=run.get("run_id"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(origin, f"it is no run: {type(error).__name__} {error}") from None
    if read.guests not in ("invoice", "sequential", "drop"):
        raise ConfigError(origin, f"cleaning.guests can't be '{read.guests}'")
    if len(read.delimiter) != 1 or not read.delimiter.isascii() or read.delimiter in '"\r\n':
        raise ConfigError(origin, "source.delimiter must be one ASCII character")
    return read
