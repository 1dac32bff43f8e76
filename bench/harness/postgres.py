"""A Postgres server for as long as it is measured."""

import contextlib
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .measure import Command, Failed, run
from .place import Place


@dataclass
class Database:
    """A server of our own while it runs."""

    url: str
    psql: str

    @property
    def env(self) -> dict[str, str]:
        """For libpq; passwords do not go on command lines."""
        parts = urllib.parse.urlsplit(self.url)
        return {
            "DATABASE_URL": self.url,
            "PGHOST": parts.hostname or "",
            "PGPORT": str(parts.port),
            "PGUSER": urllib.parse.unquote(parts.username or ""),
            "PGPASSWORD": parts.password or "",
            "PGDATABASE": parts.path.strip("/"),
        }

    def script(self, sql: str) -> Command:
        words = [self.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        return Command(words, env=self.env, stdin=sql.encode())

    def ask(self, sql: str) -> str:
        return run(self.script(sql)).output.strip()


@contextlib.contextmanager
def database(place: Place) -> Iterator[Database]:
    folder = place.fresh("postgres")
    server = subprocess.Popen(
        [place.example("publish"), "serve", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = server.stdout.readline().strip()
        if not url:
            raise Failed("Postgres did not start: is it installed?")
        yield Database(url, find_psql())
    finally:
        server.stdin.close()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        # Gigabytes by now.
        shutil.rmtree(folder, ignore_errors=True)


def find_psql() -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
    found = shutil.which("psql") or (str(installed[-1]) if installed else None)
    if not found:
        raise Failed("there is no psql")
    return found
