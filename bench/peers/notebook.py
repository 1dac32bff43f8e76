"""The notebook as a script: from an export to segments, with its own steps and parameters.

    notebook.py EXPORT.csv OUT --models DIR [--train] [--publish]

Without --train it applies the forest and the embedding that an earlier --train left in DIR.
Scalers and k-means are fitted every time, as the notebook does. --publish writes the table to
DATABASE_URL.
"""

import timing

clock = timing.Clock()

import argparse
import os
import re
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import joblib
import numpy as np
import pandas as pd
import umap
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import MinMaxScaler

clock.lap("import")

COLUMNS = {
    "InvoiceNo": "invoice_no",
    "StockCode": "stock_code",
    "Description": "description",
    "Quantity": "quantity",
    "InvoiceDate": "invoice_date",
    "UnitPrice": "unit_price",
    "CustomerID": "customer_id",
    "Country": "country",
}
FEATURES = ["recency_days", "quantity_of_products", "frequency", "returns"]
TARGET = "gross_revenue"
FIRST_GUEST = 19000


def with_guests(sales: pd.DataFrame) -> pd.DataFrame:
    """Every invoice that has a line without a customer is given one."""
    nameless = sales.loc[sales["customer_id"].isna(), "invoice_no"].drop_duplicates()
    guests = pd.DataFrame({"invoice_no": nameless})
    guests["guest_id"] = FIRST_GUEST + np.arange(len(guests))
    sales = sales.merge(guests, on="invoice_no", how="left")
    sales["customer_id"] = sales["customer_id"].fillna(sales["guest_id"])
    return sales.drop(columns="guest_id")


def cleaned(sales: pd.DataFrame) -> pd.DataFrame:
    sales = sales.dropna(subset=["description", "customer_id"])
    sales["invoice_date"] = pd.to_datetime(sales["invoice_date"], format="%m/%d/%Y %H:%M")
    letters = sales["stock_code"].apply(lambda code: bool(re.search("^[a-zA-Z]+$", code)))
    sales = sales[~letters]
    sales = sales[~sales["country"].isin(["European Community", "Unspecified"])]
    sales = sales[sales["unit_price"] >= 0.04]
    return sales[~sales["customer_id"].isin([16446])]


def visits(lines: pd.DataFrame) -> pd.DataFrame:
    """Invoices a day between a customer's first and last purchase."""
    invoices = lines[["customer_id", "invoice_no", "invoice_date"]].drop_duplicates()
    of_customer = invoices.groupby("customer_id").agg(
        days=("invoice_date", lambda dates: (dates.max() - dates.min()).days),
        invoices=("invoice_no", "nunique"),
    )
    of_customer["frequency"] = of_customer.apply(
        lambda row: row["invoices"] / row["days"] if row["days"] else 0.0, axis=1
    )
    return of_customer[["frequency"]].reset_index()


def features(lines: pd.DataFrame) -> pd.DataFrame:
    bought = lines[lines["quantity"] > 0].copy()
    returned = lines[lines["quantity"] < 0]
    table = lines[["customer_id"]].drop_duplicates(ignore_index=True)

    bought[TARGET] = bought["unit_price"] * bought["quantity"]
    revenue = bought[["customer_id", TARGET]].groupby("customer_id").sum().reset_index()
    table = table.merge(revenue, on="customer_id", how="left")

    recency = bought[["customer_id", "invoice_date"]].groupby("customer_id").max().reset_index()
    recency["recency_days"] = (bought["invoice_date"].max() - recency["invoice_date"]).dt.days
    table = table.merge(recency[["customer_id", "recency_days"]], on="customer_id", how="left")

    pieces = bought[["customer_id", "quantity"]].groupby("customer_id").sum().reset_index()
    pieces = pieces.rename(columns={"quantity": "quantity_of_products"})
    table = table.merge(pieces, on="customer_id", how="left")

    returns = returned[["customer_id", "invoice_no"]].drop_duplicates()
    returns = returns.groupby("customer_id").count().reset_index()
    returns = returns.rename(columns={"invoice_no": "returns"})
    table = table.merge(returns, on="customer_id", how="left")

    table = table.merge(visits(bought), on="customer_id", how="left")
    table["returns"] = table["returns"].fillna(0)
    return table.dropna().reset_index(drop=True)


def publish(table: pd.DataFrame) -> None:
    import sqlalchemy

    url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url)
    table.to_sql("insiders", engine, index=False, if_exists="replace")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--publish", action="store_true")
    args = parser.parse_args()
    args.models.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)

    sales = pd.read_csv(args.export, encoding="windows-1252").rename(columns=COLUMNS)
    clock.lap("read")
    table = features(cleaned(with_guests(sales)))
    clock.lap("clean and features")

    scaled = table.copy()
    for column in [TARGET, *FEATURES]:
        scaled[column] = MinMaxScaler().fit_transform(scaled[[column]])
    x, y = scaled[FEATURES].to_numpy(), scaled[TARGET].to_numpy()
    clock.lap("scale")

    if args.train:
        forest = RandomForestRegressor(n_estimators=100, random_state=42).fit(x, y)
        clock.lap("fit forest")
        joblib.dump(forest, args.models / "forest.joblib")
    else:
        forest = joblib.load(args.models / "forest.joblib")
        clock.lap("load models")
    leaves = pd.DataFrame(forest.apply(x))
    clock.lap("leaves")
    if args.train:
        reducer = umap.UMAP(random_state=42).fit(leaves)
        clock.lap("fit UMAP")
        joblib.dump(reducer, args.models / "umap.joblib")
    else:
        reducer = joblib.load(args.models / "umap.joblib")
        clock.lap("load models")
    points = reducer.transform(leaves)
    clock.lap("transform")

    kmeans = KMeans(n_clusters=11, init="random", n_init=300, max_iter=300, random_state=42)
    labels = kmeans.fit_predict(points)
    clock.lap("k-means")
    silhouette = silhouette_score(points, labels)
    clock.lap("silhouette")

    table["labels"] = labels
    means = dict.fromkeys([TARGET, *FEATURES], "mean")
    profile = table.groupby("labels").agg({"customer_id": "count", **means})
    table.to_parquet(args.out / "insiders.parquet")
    profile.sort_values(TARGET, ascending=False).to_json(args.out / "profile.json")
    clock.lap("profile and write")
    if args.publish:
        publish(table)
        clock.lap("publish")
    clock.report(customers=len(table), segments=len(profile), silhouette=float(silhouette))


if __name__ == "__main__":
    main()
