-- Going back to a run that is kept.

ALTER TABLE insiders.pointer_history
    ADD COLUMN reason text NOT NULL DEFAULT 'publish' CHECK (reason IN ('publish', 'rollback'));

COMMENT ON COLUMN insiders.pointer_history.reason IS 'What moved it: publish, or rollback for insiders.rollback_to.';

CREATE VIEW insiders.kept_runs AS
SELECT
    r.run_id,
    r.as_of,
    r.published_at,
    r.customers,
    r.model_version,
    r.source,
    r.previous_run_id,
    r.run_id IS NOT DISTINCT FROM (SELECT v.run_id FROM insiders.visible_run v) AS is_current
FROM insiders.runs r
WHERE r.retired_at IS NULL
ORDER BY r.as_of, r.published_at, r.run_id;

COMMENT ON VIEW insiders.kept_runs IS 'The runs that are kept, by moment: those that history tells of and that can be gone back to.';
COMMENT ON COLUMN insiders.kept_runs.run_id IS 'The run.';
COMMENT ON COLUMN insiders.kept_runs.as_of IS 'Its moment, in the shop''s own time.';
COMMENT ON COLUMN insiders.kept_runs.published_at IS 'When it was published.';
COMMENT ON COLUMN insiders.kept_runs.customers IS 'Its customers.';
COMMENT ON COLUMN insiders.kept_runs.model_version IS 'The model that placed them.';
COMMENT ON COLUMN insiders.kept_runs.source IS 'The sales export that it read.';
COMMENT ON COLUMN insiders.kept_runs.previous_run_id IS 'The run that was visible when this one was published; it may have been dropped since.';
COMMENT ON COLUMN insiders.kept_runs.is_current IS 'Whether it is the run that the other views show.';

-- Publishing after this goes on as ever: what is refused is a run older than the one that is
-- visible then.
CREATE FUNCTION insiders.rollback_to(run text) RETURNS bigint
LANGUAGE plpgsql SET search_path = '' AS $body$
DECLARE
    move bigint;
BEGIN
    -- The lock of whoever moves the pointer.
    PERFORM pg_advisory_xact_lock(x'696e7365'::int, 2);
    SELECT c.move_id INTO move FROM insiders.current_run c WHERE c.run_id = run;
    IF FOUND THEN
        RETURN move;
    END IF;
    IF NOT EXISTS (SELECT FROM insiders.runs r WHERE r.run_id = run AND r.retired_at IS NULL)
        OR NOT EXISTS (SELECT FROM insiders.segment_members s WHERE s.run_id = run)
    THEN
        RAISE EXCEPTION 'run % is not kept', run
            USING ERRCODE = 'no_data_found', HINT = 'insiders.kept_runs lists those that are.';
    END IF;
    INSERT INTO insiders.pointer_history (from_run_id, from_as_of, to_run_id, to_as_of, forced, reason)
    SELECT f.run_id, f.as_of, t.run_id, t.as_of, false, 'rollback'
    FROM insiders.runs t, insiders.current_run c JOIN insiders.runs f ON f.run_id = c.run_id
    WHERE t.run_id = run
    RETURNING move_id INTO STRICT move;
    UPDATE insiders.current_run SET run_id = run, move_id = move;
    RETURN move;
END $body$;

COMMENT ON FUNCTION insiders.rollback_to(text) IS 'Makes a kept run the current one, whatever its moment, and logs it in pointer_history; gives the number of the move. Changes nothing where it is the current one.';
