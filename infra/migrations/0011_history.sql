-- A run of a past moment may join the history beneath the current one.

COMMENT ON COLUMN insiders.runs.previous_run_id IS 'The run that this one is compared with: the one that was current when it was published, or for history that was filled in later the one of the moment before. It may have been dropped since.';
COMMENT ON COLUMN insiders.kept_runs.previous_run_id IS 'The run that this one is compared with: the one that was visible when it was published, or for history that was filled in later the one of the moment before. It may have been dropped since.';
COMMENT ON COLUMN insiders.migrations.from_run_id IS 'The run that this one is compared with: the one that was visible when it was published, or for history that was filled in later the one of the moment before. It may have been dropped since.';
COMMENT ON COLUMN insiders.migration_matrix.from_run_id IS 'The run that this one is compared with: the one that was visible when it was published, or for history that was filled in later the one of the moment before. It may have been dropped since.';
