-- Who changed segment from the run before, and how many did.

-- One partition a run, for those who entered, left or changed segment: where a model is
-- applied again they are few. No index here: a partition brings its own.
CREATE TABLE insiders.segment_moves (
    run_id        text COLLATE "C" NOT NULL,
    customer_id   text COLLATE "C" NOT NULL,
    from_label    integer,
    from_segment  text,
    to_label      integer,
    to_segment    text,
    gross_revenue double precision NOT NULL,
    CHECK (from_label IS DISTINCT FROM to_label)
) PARTITION BY LIST (run_id);

COMMENT ON TABLE insiders.segment_moves IS 'Every customer of every kept run whose segment is another than in the run that was visible before; one partition a run.';
COMMENT ON COLUMN insiders.segment_moves.run_id IS 'The run.';
COMMENT ON COLUMN insiders.segment_moves.customer_id IS 'The customer''s id as the shop writes it.';
COMMENT ON COLUMN insiders.segment_moves.from_label IS 'Segment number in the run before; null for one who entered.';
COMMENT ON COLUMN insiders.segment_moves.from_segment IS 'Its name then.';
COMMENT ON COLUMN insiders.segment_moves.to_label IS 'Segment number in the run; null for one who left.';
COMMENT ON COLUMN insiders.segment_moves.to_segment IS 'Its name in the run.';
COMMENT ON COLUMN insiders.segment_moves.gross_revenue IS 'The customer''s gross revenue in the run; of one who left, in the run before.';

CREATE TABLE insiders.segment_matrix (
    run_id        text COLLATE "C" NOT NULL REFERENCES insiders.runs ON DELETE CASCADE,
    from_label    integer,
    from_segment  text,
    to_label      integer,
    to_segment    text,
    customers     bigint NOT NULL CHECK (customers >= 0),
    gross_revenue double precision NOT NULL
);

CREATE UNIQUE INDEX segment_matrix_cell
    ON insiders.segment_matrix (run_id, coalesce(from_label, -1), coalesce(to_label, -1));

COMMENT ON TABLE insiders.segment_matrix IS 'Customers of each kept run by segment before and segment now, those who stayed included.';
COMMENT ON COLUMN insiders.segment_matrix.run_id IS 'The run.';
COMMENT ON COLUMN insiders.segment_matrix.from_label IS 'Segment number in the run before; null for those who entered.';
COMMENT ON COLUMN insiders.segment_matrix.from_segment IS 'Its name then.';
COMMENT ON COLUMN insiders.segment_matrix.to_label IS 'Segment number in the run; null for those who left.';
COMMENT ON COLUMN insiders.segment_matrix.to_segment IS 'Its name in the run.';
COMMENT ON COLUMN insiders.segment_matrix.customers IS 'Customers.';
COMMENT ON COLUMN insiders.segment_matrix.gross_revenue IS 'Sum of their gross revenue in the run; of those who left, in the run before.';

-- The matrix of a run from its two tables: whoever is in the one and not in the other stayed.
CREATE FUNCTION insiders.count_moves(members regclass, moves regclass)
RETURNS TABLE (from_label integer, to_label integer, customers bigint, gross_revenue double precision)
LANGUAGE plpgsql STABLE SET search_path = '' AS $body$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT m.from_label, m.to_label, count(*), sum(m.gross_revenue)
        FROM %2$s m GROUP BY m.from_label, m.to_label
        UNION ALL
        SELECT s.label, s.label, count(*), sum(s.gross_revenue)
        FROM %1$s s WHERE NOT EXISTS (SELECT FROM %2$s m WHERE m.customer_id = s.customer_id)
        GROUP BY s.label $sql$, members, moves);
END $body$;

COMMENT ON FUNCTION insiders.count_moves(regclass, regclass) IS 'The cells of segment_matrix, counted from a run''s tables of members and of moves.';

CREATE VIEW insiders.migrations AS
SELECT
    m.run_id,
    r.as_of,
    m.customer_id,
    m.from_label,
    m.from_segment,
    m.to_label,
    m.to_segment,
    m.gross_revenue,
    r.previous_run_id AS from_run_id
FROM insiders.segment_moves m
JOIN insiders.runs r ON r.run_id = m.run_id AND r.retired_at IS NULL;

COMMENT ON VIEW insiders.migrations IS 'Each customer who entered, left or changed segment, for every kept run.';
COMMENT ON COLUMN insiders.migrations.run_id IS 'The run.';
COMMENT ON COLUMN insiders.migrations.as_of IS 'The run''s moment, in the shop''s own time.';
COMMENT ON COLUMN insiders.migrations.customer_id IS 'The customer''s id as the shop writes it.';
COMMENT ON COLUMN insiders.migrations.from_label IS 'Segment number in the run before; null for one who entered.';
COMMENT ON COLUMN insiders.migrations.from_segment IS 'Its name then; null for one who entered.';
COMMENT ON COLUMN insiders.migrations.to_label IS 'Segment number in the run; null for one who left.';
COMMENT ON COLUMN insiders.migrations.to_segment IS 'Its name in the run; null for one who left.';
COMMENT ON COLUMN insiders.migrations.gross_revenue IS 'The customer''s gross revenue in the run; of one who left, in the run before.';
COMMENT ON COLUMN insiders.migrations.from_run_id IS 'The run that was visible when this one was published; it may have been dropped since.';

CREATE VIEW insiders.migration_matrix AS
SELECT
    x.run_id,
    r.as_of,
    x.from_label,
    x.from_segment,
    x.to_label,
    x.to_segment,
    x.customers,
    x.gross_revenue,
    r.previous_run_id AS from_run_id
FROM insiders.segment_matrix x
JOIN insiders.runs r ON r.run_id = x.run_id AND r.retired_at IS NULL
ORDER BY r.as_of, x.run_id, x.from_label NULLS FIRST, x.to_label NULLS LAST;

COMMENT ON VIEW insiders.migration_matrix IS 'How many customers went from which segment to which, those who stayed included, for every kept run but the first.';
COMMENT ON COLUMN insiders.migration_matrix.run_id IS 'The run.';
COMMENT ON COLUMN insiders.migration_matrix.as_of IS 'The run''s moment, in the shop''s own time.';
COMMENT ON COLUMN insiders.migration_matrix.from_label IS 'Segment number in the run before; null for those who entered.';
COMMENT ON COLUMN insiders.migration_matrix.from_segment IS 'Its name then; null for those who entered.';
COMMENT ON COLUMN insiders.migration_matrix.to_label IS 'Segment number in the run; null for those who left.';
COMMENT ON COLUMN insiders.migration_matrix.to_segment IS 'Its name in the run; null for those who left.';
COMMENT ON COLUMN insiders.migration_matrix.customers IS 'Customers.';
COMMENT ON COLUMN insiders.migration_matrix.gross_revenue IS 'Sum of their gross revenue in the run; of those who left, in the run before.';
COMMENT ON COLUMN insiders.migration_matrix.from_run_id IS 'The run that was visible when this one was published; it may have been dropped since.';
