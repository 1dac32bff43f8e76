"""The zip that `sam deploy` makes of a folder, on standard output; by sam's own code.

    python tools/zipped.py .aws-sam/build/PreprocessFunction > preprocess.zip

Python is the one that sam is installed in.
"""

import pathlib
import sys
import tempfile

from samcli.lib.package.utils import make_zip_with_lambda_permissions


def main():
    with tempfile.TemporaryDirectory() as folder:
        made = make_zip_with_lambda_permissions(f"{folder}/function", sys.argv[1])
        sys.stdout.buffer.write(pathlib.Path(made).read_bytes())


if __name__ == "__main__":
    main()
