"""What the default settings of cleaning say, for the peers that clean; and the same words."""

import argparse
from pathlib import Path

STOCK_CODES = "^[a-zA-Z]+$"
COUNTRIES = ["European Community", "Unspecified"]
CUSTOMERS = ["16446"]
LEAST_PRICE = 0.04
DATES = "%m/%d/%Y %H:%M"


def arguments() -> argparse.Namespace:
    """EXPORT OUT, and whether the lines that are kept are written too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path, help="a folder; features.parquet goes there")
    parser.add_argument("--transactions", action="store_true", help="write kept lines, too")
    parser.add_argument("--repeat", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    return args
