"""AWS on one machine, for the tests: S3, EventBridge, Step Functions and SNS by moto, the
functions as their real binaries behind Lambda's runtime interface emulator, a real Postgres.
Everything listens on loopback, on free ports, and ends with the test run."""
