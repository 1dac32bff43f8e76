"""Whether two tables of features are the same, customer by customer.

    same_features.py OURS.parquet THEIRS.parquet [--any-id]

Whole numbers and ratios of them must be equal; revenue, which we sum exactly and the peers in
floating point, to one part in a thousand million. --any-id is for tables that name guests
differently: customers are paired by their values. Exit 1, and why, if they are not the same.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

EXACT = ["recency_days", "quantity_of_products", "returns", "frequency"]
MONEY = "gross_revenue"
TOLERANCE = 1e-9


def table(path: Path, any_id: bool) -> pd.DataFrame:
    frame = pd.read_parquet(path, columns=[*EXACT, MONEY, "customer_id"])
    return frame.sort_values([*EXACT, MONEY] if any_id else "customer_id", ignore_index=True)


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, any_id: bool) -> str | None:
    """The first difference in words."""
    if len(ours) != len(theirs):
        return f"{len(ours)} customers, theirs {len(theirs)}"
    if not any_id:
        other = np.flatnonzero(ours["customer_id"].to_numpy() != theirs["customer_id"].to_numpy())
        if len(other):
            return f"{len(other)} customers have other ids"
    for column in [*EXACT, MONEY]:
        a, b = ours[column].to_numpy(dtype=float), theirs[column].to_numpy(dtype=float)
        bound = TOLERANCE * np.abs(b) if column == MONEY else 0.0
        wrong = np.flatnonzero(~(np.abs(a - b) <= bound))
        if len(wrong):
            row = wrong[0]
            return f"{column} of {len(wrong)} customers differs: {a[row]!r}, theirs {b[row]!r}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    parser.add_argument("--any-id", action="store_true")
    args = parser.parse_args()
    ours, theirs = table(args.ours, args.any_id), table(args.theirs, args.any_id)
    found = difference(ours, theirs, args.any_id)
    if found:
        sys.exit(found)
    print(f"{len(ours):,} customers, every feature equal")


if __name__ == "__main__":
    main()
