"""The notebook's own figures, on the real data."""

import json

import polars as pl
from conftest import Lambda, assert_same, by_spark


def test_the_real_export_by_the_notebook(spark, insiders, shared, tmp_path):
    lambda_ = Lambda(insiders, tmp_path, '[cleaning]\nguests = "sequential"\n')
    lambda_.run(shared / "data" / "online-retail.csv.gz")
    out = tmp_path / "spark"
    document = by_spark(spark, lambda_, out, "--shards", "4")
    assert_same(lambda_, out)

    golden = json.loads((shared / "golden" / "cleaning.json").read_text())
    for name in set(golden) & set(document):
        if isinstance(golden[name], int):
            assert document[name] == golden[name], name
    of_ours = pl.read_parquet(f"{out}/features/part-*.parquet")
    of_theirs = pl.read_parquet(shared / "golden" / "features.parquet")
    names = ["gross_revenue", "recency_days", "quantity_of_products", "returns", "frequency"]
    keyed = of_ours.with_columns(pl.col("customer_id").cast(pl.Int64)).select("customer_id", *names)
    both = keyed.join(of_theirs.select("customer_id", *names), on="customer_id", how="full")
    assert both.height == of_theirs.height == of_ours.height
    for name in names:
        wrong = (pl.col(name) - pl.col(f"{name}_right")).abs() > 1e-9 * pl.col(name).abs()
        assert both.filter(wrong | pl.col(f"{name}_right").is_null()).height == 0, name
