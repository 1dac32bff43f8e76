"""Cleaning and features by pandas, without a loop over customers."""

import timing

clock = timing.Clock()

import pandas as pd
import rules

clock.lap("import")

TYPES = {
    "InvoiceNo": "str",
    "StockCode": "str",
    "Description": "str",
    "Quantity": "int64",
    "InvoiceDate": "str",
    "UnitPrice": "float64",
    "CustomerID": "str",
    "Country": "category",
}


def read(args) -> pd.DataFrame:
    sales = pd.read_csv(args.export, encoding="windows-1252", dtype=TYPES)
    nameless = sales["CustomerID"].isna()
    sales["is_guest"] = nameless
    sales["customer_id"] = sales["CustomerID"].mask(nameless, "guest-" + sales["InvoiceNo"])
    kept = (
        sales["Description"].notna()
        & ~sales["StockCode"].str.fullmatch("[a-zA-Z]+")
        & ~sales["Country"].isin(rules.COUNTRIES)
        & (sales["UnitPrice"] >= rules.LEAST_PRICE)
        & ~sales["customer_id"].isin(rules.CUSTOMERS)
    )
    sales = sales[kept].copy()
    sales["InvoiceDate"] = pd.to_datetime(sales["InvoiceDate"], format=rules.DATES)
    return sales


def features(sales: pd.DataFrame) -> pd.DataFrame:
    bought = sales[sales["Quantity"] > 0]
    bought = bought.assign(revenue=bought["UnitPrice"] * bought["Quantity"])
    table = bought.groupby("customer_id").agg(
        gross_revenue=("revenue", "sum"),
        first=("InvoiceDate", "min"),
        last=("InvoiceDate", "max"),
        quantity_of_products=("Quantity", "sum"),
        invoices=("InvoiceNo", "nunique"),
    )
    table["recency_days"] = (table["last"].max() - table["last"]).dt.days
    days = (table["last"] - table["first"]).dt.days
    table["frequency"] = (table["invoices"] / days.where(days > 0)).fillna(0.0)
    returned = sales[sales["Quantity"] < 0].groupby("customer_id")["InvoiceNo"].nunique()
    table["returns"] = returned.reindex(table.index, fill_value=0)
    return table.drop(columns=["first", "last", "invoices"]).reset_index()


def main() -> None:
    args = rules.arguments()

    def work() -> pd.DataFrame:
        sales = read(args)
        if args.transactions:
            sales.to_parquet(args.out / "transactions.parquet", compression="zstd")
        table = features(sales)
        table.to_parquet(args.out / "features.parquet")
        return table

    table = clock.repeat("work", args.repeat, work)
    clock.report(customers=len(table))


if __name__ == "__main__":
    main()
