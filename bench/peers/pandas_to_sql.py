"""pandas' to_sql of a table, and the indexes that readers need, to DATABASE_URL.

pandas_to_sql.py ROWS.csv
"""

import os
import sys

import timing

clock = timing.Clock()

import pandas as pd
import sqlalchemy

clock.lap("import")

SCHEMA, TABLE = "insiders", "to_sql"


def main() -> None:
    rows = pd.read_csv(sys.argv[1])
    clock.lap("read")
    url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        rows.to_sql(TABLE, connection, schema=SCHEMA, index=False, if_exists="replace")
        for sql in (
            f"ALTER TABLE {SCHEMA}.{TABLE} ADD PRIMARY KEY (customer_id)",
            f"CREATE INDEX ON {SCHEMA}.{TABLE} (label)",
            f"ANALYZE {SCHEMA}.{TABLE}",
        ):
            connection.execute(sqlalchemy.text(sql))
    clock.lap("to_sql")
    clock.report(rows=len(rows))


if __name__ == "__main__":
    main()
