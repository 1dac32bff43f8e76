"""Cleaning and features by polars: lazy, on its streaming engine.

polars decodes no windows-1252 while it streams: bytes that are not ASCII are lost in
descriptions, which no feature depends on.
"""

import timing

clock = timing.Clock()

import polars as pl
import rules

clock.lap("import")

TYPES = {
    "InvoiceNo": pl.String,
    "StockCode": pl.String,
    "Description": pl.String,
    "Quantity": pl.Int64,
    "InvoiceDate": pl.String,
    "UnitPrice": pl.Float64,
    "CustomerID": pl.String,
    "Country": pl.String,
}


def kept(args) -> pl.LazyFrame:
    customer = pl.col("CustomerID")
    return (
        pl.scan_csv(args.export, schema=TYPES, encoding="utf8-lossy")
        .with_columns(
            is_guest=customer.is_null(),
            customer_id=pl.coalesce(customer, pl.concat_str(pl.lit("guest-"), "InvoiceNo")),
        )
        .filter(
            pl.col("Description").is_not_null(),
            ~pl.col("StockCode").str.contains(rules.STOCK_CODES),
            ~pl.col("Country").is_in(rules.COUNTRIES),
            pl.col("UnitPrice") >= rules.LEAST_PRICE,
            ~pl.col("customer_id").is_in(rules.CUSTOMERS),
        )
        .with_columns(at=pl.col("InvoiceDate").str.to_datetime(rules.DATES))
    )


def features(lines: pl.LazyFrame) -> pl.LazyFrame:
    quantity, at = pl.col("Quantity"), pl.col("at")
    bought, returned = quantity > 0, quantity < 0
    last, days = pl.col("last"), (pl.col("last") - pl.col("first")).dt.total_days()
    of_customer = lines.group_by("customer_id").agg(
        gross_revenue=(pl.col("UnitPrice") * quantity).filter(bought).sum(),
        quantity_of_products=quantity.filter(bought).sum(),
        first=at.filter(bought).min(),
        last=at.filter(bought).max(),
        invoices=pl.col("InvoiceNo").filter(bought).n_unique().cast(pl.Int64),
        returns=pl.col("InvoiceNo").filter(returned).n_unique().cast(pl.Int64),
    )
    return of_customer.filter(pl.col("invoices") > 0).select(
        "customer_id",
        "gross_revenue",
        (last.max() - last).dt.total_days().alias("recency_days"),
        "quantity_of_products",
        "returns",
        pl.when(days > 0).then(pl.col("invoices") / days).otherwise(0.0).alias("frequency"),
    )


def main() -> None:
    args = rules.arguments()

    def work() -> None:
        lines = kept(args)
        wanted = [features(lines).sink_parquet(args.out / "features.parquet", lazy=True)]
        if args.transactions:
            path = args.out / "transactions.parquet"
            wanted.append(lines.sink_parquet(path, compression="zstd", lazy=True))
        pl.collect_all(wanted, engine="streaming")

    clock.repeat("work", args.repeat, work)
    clock.report()


if __name__ == "__main__":
    main()
