-- A run's rows may come in any order: by several connections, each with some of the customers.
-- A sum of doubles depends on the order; one of the same numbers as decimals does not.

CREATE OR REPLACE FUNCTION insiders.count_profile(members regclass)
RETURNS TABLE (label integer, customers bigint, share double precision, gross_revenue double precision,
    frequency double precision, returns double precision, recency_days double precision, revenue_share double precision)
LANGUAGE plpgsql STABLE SET search_path = '' SET extra_float_digits = 1 AS $body$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT c.label, c.customers, c.customers / sum(c.customers) OVER ()::float8, c.revenue::float8 / c.customers,
            c.frequency / c.customers, c.returns / c.customers, c.recency / c.customers,
            CASE WHEN sum(c.revenue) OVER () > 0 THEN c.revenue::float8 / (sum(c.revenue) OVER ())::float8 ELSE 0 END
        FROM (
            SELECT s.label, count(*) AS customers, sum(s.gross_revenue::text::numeric) AS revenue,
                sum(s.frequency::text::numeric)::float8 AS frequency, sum(s.returns)::float8 AS returns,
                sum(s.recency_days)::float8 AS recency
            FROM %s s GROUP BY s.label
        ) c $sql$, members);
END $body$;

CREATE OR REPLACE FUNCTION insiders.count_moves(members regclass, moves regclass)
RETURNS TABLE (from_label integer, to_label integer, customers bigint, gross_revenue double precision)
LANGUAGE plpgsql STABLE SET search_path = '' SET extra_float_digits = 1 AS $body$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT m.from_label, m.to_label, count(*), sum(m.gross_revenue::text::numeric)::float8
        FROM %2$s m GROUP BY m.from_label, m.to_label
        UNION ALL
        SELECT s.label, s.label, count(*), sum(s.gross_revenue::text::numeric)::float8
        FROM %1$s s WHERE NOT EXISTS (SELECT FROM %2$s m WHERE m.customer_id = s.customer_id)
        GROUP BY s.label $sql$, members, moves);
END $body$;

COMMENT ON COLUMN insiders.runs.segments_sha256 IS 'SHA-256 of the segments.parquet that the rows came from, or of the segments.json that lists its shards.';
