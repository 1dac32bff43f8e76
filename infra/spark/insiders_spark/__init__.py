"""Cleaning and features of sales exports in Spark SQL, to the last digit as
`preprocess-to-parquet` has them."""
