"""A run of a million customers into Postgres, against psql's \\copy of the same rows.

\\copy fills a table of the same columns and indexes, frozen and in one transaction as ours, and
stops there: it checks no row, compares with no run before, and no reader sees it.
"""

import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from harness.measure import Command, Failed, Side, run, take_turns
from harness.place import Place
from harness.postgres import Database, database
from harness.table import Check, Goal, Row, compared, detail, duration, failed

CUSTOMERS, QUICK_CUSTOMERS = 1_000_000, 50_000
# Of pandas, which takes minutes; its time is scaled to all.
SHARE = 0.1
GOAL = Goal(faster=1 / 1.3)
FORMATS = {"csv": "FORMAT csv, FREEZE", "binary": "FORMAT binary, FREEZE"}
MEMBERS = "insiders.segment_members"


def rows(place: Place) -> Iterator[Row]:
    customers = QUICK_CUSTOMERS if place.quick else CUSTOMERS
    with database(place) as server:
        # The run before, whose rows are what the peers load.
        run(ours(place, server, 0, customers))
        names = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
        names += f"WHERE attrelid = '{MEMBERS}'::regclass AND attnum > 0 AND NOT attisdropped "
        columns = server.ask(f"{names} AND attname <> 'run_id';")
        files = {name: place.dir / "work" / f"rows.{name}" for name in FORMATS}
        # A text of a fraction would be another number in another reader.
        for name, path in files.items():
            how = FORMATS[name].replace(", FREEZE", "")
            run(server.script(f"\\copy ({dump(columns)}) TO '{path}' WITH ({how})\n"))
        yield from copies(place, server, customers, columns, files)
        yield from to_sql(place, server, customers, columns)
    shutil.rmtree(place.dir / "work" / "publish", ignore_errors=True)


def dump(columns: str) -> str:
    return f"SELECT {columns} FROM {MEMBERS} WHERE run_id = '{0:020x}' ORDER BY customer_id"


def ours(place: Place, server: Database, number: int, customers: int) -> Command:
    words = ["run", place.dir / "work" / "publish", number, customers]
    return Command([place.example("publish"), *map(str, words)], env=server.env)


def copies(
    place: Place, server: Database, customers: int, columns: str, files: dict[str, Path]
) -> Iterator[Row]:
    def copy(name: str):
        table = f"insiders.copied_{name}"

        def make(_turn: int) -> Command:
            server.ask(f"DROP TABLE IF EXISTS {table}; CHECKPOINT;")
            return server.script(
                f"BEGIN;\nCREATE TABLE {table} (LIKE {MEMBERS} INCLUDING ALL);\n"
                f"ALTER TABLE {table} ALTER run_id SET DEFAULT 'copied', "
                "ALTER customer_id SET STATISTICS 0;\n"
                f"\\copy {table} ({columns}) FROM '{files[name]}' WITH ({FORMATS[name]})\n"
                f"ALTER TABLE {table} ADD PRIMARY KEY (customer_id);\n"
                f"CREATE INDEX ON {table} (label);\nANALYZE {table};\nCOMMIT;\n"
            )

        return make

    def publish(turn: int) -> Command:
        server.ask("CHECKPOINT;")
        return ours(place, server, turn + 1, customers)

    sides = {"insiders": publish, **{f"psql \\copy, {name}": copy(name) for name in FORMATS}}
    done = take_turns(sides, place.runs, place.say)
    own = done["insiders"]
    for name in FORMATS:
        peer, what = f"psql \\copy, {name}", f"publish {customers:,} customers"
        try:
            # Only psql's own time is its whole process: it does nothing else.
            check = same_rows(server, columns, f"insiders.copied_{name}")
            seconds = done[peer].seconds()
            yield compared(what, own.seconds("publish"), peer, seconds, GOAL, check=check)
            load = [turn.facts["steps"]["load"] for turn in own.turns]
            yield compared(f"{what}: the load alone", load, peer, seconds)
        except Failed as error:
            yield failed(f"{what}, {peer}", error)
    if not own.error:
        yield detail(f"insiders: {steps(own)}; peak {peak(own):.0f} MiB while publishing")


def steps(side: Side) -> str:
    return ", ".join(f"{k} {duration(v)}" for k, v in side.last.facts["steps"].items())


def peak(side: Side) -> float:
    """The S3 server in the same process included."""
    return statistics.median(turn.facts["peak_mib"] for turn in side.turns)


def same_rows(server: Database, columns: str, table: str) -> Check:
    """Of the published run 0 and a table that was copied, as Postgres sees them."""

    def digest(source: str) -> str:
        rows = f"SELECT {columns} FROM {source}"
        return server.ask(f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM ({rows}) t;")

    published = digest(f"{MEMBERS} WHERE run_id = '{0:020x}'")
    count = int(published.split("|")[0])
    return Check(published == digest(table), f"{count:,} rows, the same digest in Postgres")


def to_sql(place: Place, server: Database, customers: int, columns: str) -> Iterator[Row]:
    part = int(customers * SHARE)
    path = place.dir / "work" / "rows-part.csv"
    query = f"{dump(columns)} LIMIT {part}"
    run(server.script(f"\\copy ({query}) TO '{path}' WITH (FORMAT csv, HEADER)\n"))

    def make(_turn: int) -> Command:
        command = place.peer("pandas_to_sql", path)
        return Command(command.argv, env=server.env)

    number = place.runs + 1
    sides = {
        "insiders": lambda turn: ours(place, server, number + turn, customers),
        "pandas to_sql": make,
    }
    done = take_turns(sides, 1 if place.quick else 2, place.say)
    own, peer = done["insiders"], done["pandas to_sql"]
    what = f"publish {customers:,} customers"
    try:
        loaded = int(server.ask("SELECT count(*) FROM insiders.to_sql;"))
        scaled = [second / SHARE for second in peer.seconds("to_sql")]
        name = f"pandas to_sql of {part:,}, its time × {1 / SHARE:g}"
        check = Check(loaded == part, f"{loaded:,} rows")
        yield compared(what, own.seconds("publish"), name, scaled, check=check)
    except Failed as error:
        yield failed(f"{what}, pandas to_sql", error)
