"""Cleaning and features of exports that outgrow one Lambda: the Spark job's entry.

spark-submit --py-files insiders_spark.zip insiders_features.py --source s3://… --run … --prefix s3://…
"""

import json
import sys

from insiders_spark import arguments, failures, job
from insiders_spark.errors import JobError
from insiders_spark.storage import Storage
from pyspark.sql import SparkSession


def main(words):
    """The exit code of the job."""
    asked = spark = None
    try:
        asked = arguments.parse(words)
        spark = SparkSession.builder.appName("insiders-features").getOrCreate()
        # Spark tells plans at INFO, and a plan has the settings' values in it.
        spark.sparkContext.setLogLevel("WARN")
        document = job.run(spark, asked)
        print(json.dumps(document["spark"]["counts"]))
        return 0
    except Exception as error:
        found = error if isinstance(error, JobError) else failures.of(error)
        print(f"{found.name}: {found}", file=sys.stderr)
        if spark is not None:
            tell(spark, asked.prefix, found)
        return found.exit_code


def tell(spark, prefix, found):
    """Leaves the word where the output would be; without it, the exit code says enough."""
    try:
        report = {"error": found.name, "message": str(found)}
        Storage(spark).write_json(f"{prefix}/error.json", report)
    except Exception as error:
        print(f"error.json was not written: {type(error).__name__}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
