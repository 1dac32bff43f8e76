"""Cleaning and features by duckdb, out of the file into Parquet."""

import timing

clock = timing.Clock()

import duckdb
import rules

clock.lap("import")

KEPT = """
    SELECT *, CustomerID IS NULL AS is_guest,
           coalesce(CustomerID, 'guest-' || InvoiceNo) AS customer_id
    FROM read_csv({export}, header = true, encoding = 'latin-1', quote = '"', delim = ',',
        timestampformat = '{dates}', columns = {{
            'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR', 'Description': 'VARCHAR',
            'Quantity': 'BIGINT', 'InvoiceDate': 'TIMESTAMP', 'UnitPrice': 'DOUBLE',
            'CustomerID': 'VARCHAR', 'Country': 'VARCHAR'}})
    WHERE Description IS NOT NULL
      AND NOT regexp_full_match(StockCode, '[a-zA-Z]+')
      AND Country NOT IN ({countries})
      AND UnitPrice >= {price}
      AND (CustomerID IS NULL OR CustomerID NOT IN ({customers}))
"""

FEATURES = """
    WITH of_customer AS (
        SELECT customer_id,
               sum(UnitPrice * Quantity) FILTER (Quantity > 0) AS gross_revenue,
               sum(Quantity) FILTER (Quantity > 0)::BIGINT AS quantity_of_products,
               min(InvoiceDate) FILTER (Quantity > 0) AS first,
               max(InvoiceDate) FILTER (Quantity > 0) AS last,
               count(DISTINCT InvoiceNo) FILTER (Quantity > 0) AS invoices,
               count(DISTINCT InvoiceNo) FILTER (Quantity < 0) AS returns
        FROM {lines} GROUP BY customer_id)
    SELECT customer_id, gross_revenue, date_sub('day', last, max(last) OVER ()) AS recency_days,
           quantity_of_products, returns,
           CASE WHEN date_sub('day', first, last) > 0
                THEN invoices / date_sub('day', first, last) ELSE 0.0 END::DOUBLE AS frequency
    FROM of_customer WHERE invoices > 0
"""


def quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def main() -> None:
    args = rules.arguments()
    kept = KEPT.format(
        export=quoted(args.export),
        dates=rules.DATES,
        countries=", ".join(map(quoted, rules.COUNTRIES)),
        customers=", ".join(map(quoted, rules.CUSTOMERS)),
        price=rules.LEAST_PRICE,
    )

    def work() -> None:
        with duckdb.connect() as database:
            lines = f"({kept})"
            if args.transactions:
                # The features from the file that was just written: faster than a table or
                # the export once more.
                path = quoted(args.out / "transactions.parquet")
                copy = f"COPY ({kept}) TO {path} (FORMAT parquet, COMPRESSION zstd)"
                database.execute(copy)
                lines = f"read_parquet({path})"
            path = quoted(args.out / "features.parquet")
            query = FEATURES.format(lines=lines)
            database.execute(f"COPY ({query}) TO {path} (FORMAT parquet)")

    clock.repeat("work", args.repeat, work)
    clock.report()


if __name__ == "__main__":
    main()
