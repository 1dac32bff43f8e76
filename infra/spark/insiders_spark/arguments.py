"""The job's arguments."""

import argparse
from dataclasses import dataclass

from . import settings as settings_
from .errors import ConfigError


@dataclass(frozen=True)
class Job:
    """What is asked for."""

    sources: list
    objects: list
    transactions: object
    run: str
    erased: object
    prefix: str
    shards: int

    def settings(self, storage):
        text = self.run
        if not text.lstrip().startswith("{"):
            text = storage.text(self.run)
        return settings_.read(text, "--run")

    def names(self, settings):
        """The uploads' names in errors and in quarantine: their keys."""
        if self.objects:
            return self.objects
        keys = [key(uri) for uri in self.sources]
        given = settings.source_key
        if len(keys) == 1 and given and self.sources[0].endswith(given):
            return [given]
        return keys


def key(uri):
    """The key of `s3://bucket/key`; of anything else all of it."""
    scheme, found, rest = uri.partition("://")
    return rest.partition("/")[2] if found and scheme.startswith("s3") else uri


def parse(words):
    parser = argparse.ArgumentParser(
        prog="insiders_features.py", description="Cleaning and features of exports, in Spark."
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="URI",
        help="an export, plain or .gz; several are read as a history, in their order",
    )
    parser.add_argument(
        "--object",
        action="append",
        default=[],
        metavar="NAME",
        help="the name of each source in errors and in quarantine (default: its key)",
    )
    parser.add_argument(
        "--transactions", metavar="URI", help="a transactions.parquet in place of exports"
    )
    parser.add_argument(
        "--run", required=True, metavar="JSON|URI", help="the run, as a RunState or manifest.json"
    )
    parser.add_argument("--erased", metavar="URI", help="config/erased.json")
    parser.add_argument("--prefix", required=True, metavar="URI", help="where the output goes")
    parser.add_argument("--shards", type=int, default=16, metavar="N", help="files of features")
    found = parser.parse_args(words)
    if bool(found.source) == bool(found.transactions):
        raise ConfigError("arguments", "give --source, once or more, or --transactions")
    if found.object and len(found.object) != len(found.source):
        raise ConfigError("arguments", "give --object for each --source, or for none")
    if len(set(found.source)) != len(found.source):
        raise ConfigError("arguments", "a --source is given twice")
    if not 1 <= found.shards <= 100_000:
        raise ConfigError("arguments", "--shards must be between 1 and 100000")
    return Job(
        found.source,
        found.object,
        found.transactions,
        found.run,
        found.erased,
        found.prefix.rstrip("/"),
        found.shards,
    )
