#!/usr/bin/env python3
"""Puts `insiders_spark` into the zip that `--py-files` takes: package.py [insiders_spark.zip]"""

import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
# The same files are the same bytes.
MOMENT = (1980, 1, 1, 0, 0, 0)


def main(archive):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for module in sorted((HERE / "insiders_spark").glob("*.py")):
            member = zipfile.ZipInfo(f"insiders_spark/{module.name}", MOMENT)
            member.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(member, module.read_bytes())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "insiders_spark.zip")
