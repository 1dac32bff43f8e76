"""What the functions need for an export of yours: time and peak memory of each stage, by the
release binaries on local services. Two runs each: the first fits, the second applies.

    python tests/aws/sizing.py EXPORT..."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from local_aws.deployment import BUCKET, Deployment  # noqa: E402


def measured(aws, key, mode):
    """The stages of a run of the uploaded `key`."""
    request = {"source": {"bucket": BUCKET, "key": key}, "mode": mode, "force_publish": True}
    output = aws.succeeded(aws.start(aws.pipeline, request), seconds=3600)
    manifest = aws.get(output["manifest"])
    counts = manifest["counts"]
    print(f"{mode}: {counts['rows_read']} rows, {counts['customers']} customers")
    for stage in manifest["stages"]:
        peak, steps = stage["peak_memory_bytes"] / 2**20, stage["steps"].items()
        slowest = sorted(steps, key=lambda step: -step[1])[:3]
        slowest = ", ".join(f"{name} {seconds:.1f}" for name, seconds in slowest)
        print(
            f"  {stage['stage']}: {stage['seconds']:.1f} s ({slowest}), peak {peak:.0f} MiB",
            flush=True,
        )


def main():
    with tempfile.TemporaryDirectory() as logs:
        aws = Deployment(pathlib.Path(logs))
        try:
            for name in sys.argv[1:]:
                path = pathlib.Path(name)
                print(f"{path.name}, {path.stat().st_size / 1e6:.0f} MB")
                for mode in ("fit", "apply"):
                    # Not under uploads/: no event. Two keys: two runs.
                    key = f"exports/{mode}/{path.name}"
                    aws.s3.upload_file(str(path), BUCKET, key)
                    measured(aws, key, mode)
        finally:
            aws.stop()


main()
