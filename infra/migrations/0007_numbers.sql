-- A segment's number is the same in every run and refit.

COMMENT ON COLUMN insiders.segment_profiles.label IS 'Segment number, the same in every run and after every refit; no other segment ever has it.';
COMMENT ON COLUMN insiders.segments.label IS 'Segment number, the same in every run and after every refit.';
COMMENT ON COLUMN insiders.insiders.labels IS 'Segment number, the same in every run and after every refit.';
