-- RFM and lifetime value of every customer.

-- Null in the runs that were published before this, and nowhere else but where it says so.
ALTER TABLE insiders.segment_members
    ADD COLUMN purchases          bigint,
    ADD COLUMN rfm_recency        integer,
    ADD COLUMN rfm_frequency      integer,
    ADD COLUMN rfm_monetary       integer,
    ADD COLUMN rfm_group          text,
    ADD COLUMN p_alive            double precision,
    ADD COLUMN expected_purchases double precision,
    ADD COLUMN clv                double precision;

COMMENT ON COLUMN insiders.segment_members.purchases IS 'Distinct purchase invoices; null in runs published before there was this column, as the next ones.';
COMMENT ON COLUMN insiders.segment_members.rfm_recency IS 'RFM score of recency_days, 1 to 5 (rfm.cuts), 5 the most recent.';
COMMENT ON COLUMN insiders.segment_members.rfm_frequency IS 'RFM score of purchases, 5 the most.';
COMMENT ON COLUMN insiders.segment_members.rfm_monetary IS 'RFM score of gross_revenue, 5 the most.';
COMMENT ON COLUMN insiders.segment_members.rfm_group IS 'What the scores are called: Champions, Loyal, …, Lost.';
COMMENT ON COLUMN insiders.segment_members.p_alive IS 'Probability that the customer still buys (BG/NBD); null for guests and without a model.';
COMMENT ON COLUMN insiders.segment_members.expected_purchases IS 'Days with a purchase to be expected within the horizon (value.horizon_days, 365); null as p_alive.';
COMMENT ON COLUMN insiders.segment_members.clv IS 'Gross revenue to be expected within the horizon, discounted, in the shop''s currency (BG/NBD and Gamma-Gamma); null as p_alive.';

-- A row's bytes as runs.row_digest has them, from the columns that a table of members has: a
-- partition that is being dropped may have fewer than its siblings. Those that may be null
-- count with their length, -1 for null; where the first of them is null, the run is older than
-- they are and none counts.
CREATE FUNCTION insiders.row_bytes(members regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = '' AS $body$
    SELECT concat(
        string_agg(c.sent, ' || ' ORDER BY c.attnum) FILTER (WHERE c.attnotnull),
        CASE WHEN NOT bool_and(c.attnotnull) THEN
            format(' || CASE WHEN %I IS NULL THEN %L ELSE ', (array_agg(c.attname ORDER BY c.attnum) FILTER (WHERE NOT c.attnotnull))[1], '')
            || string_agg(format('coalesce(int4send(octet_length(%1$s)) || %1$s, int4send(-1))', c.sent), ' || ' ORDER BY c.attnum) FILTER (WHERE NOT c.attnotnull)
            || ' END' END)
    FROM (
        SELECT a.attnum, a.attname, a.attnotnull,
            CASE WHEN t.typname = 'text' THEN format('convert_to(%I, %L)', a.attname, 'UTF8')
                ELSE format('%s(%I)', t.typsend, a.attname) END AS sent
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = members AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'run_id'
    ) c
$body$;

REVOKE EXECUTE ON FUNCTION insiders.row_bytes(regclass) FROM PUBLIC;

COMMENT ON FUNCTION insiders.row_bytes(regclass) IS 'SQL of the bytes of a row that its hash in runs.row_digest is taken of, for a table of members.';

-- As before, but that the hash is of the columns that the table has.
CREATE OR REPLACE FUNCTION insiders.erase(customer_ids text[])
RETURNS TABLE (table_name text, removed bigint, added bigint)
LANGUAGE plpgsql SET search_path = '' AS $body$
DECLARE
    target record;
    first numeric;
    second numeric;
    runs text[] := '{}';
BEGIN
    -- Nobody drops runs, and nobody makes one current, meanwhile.
    PERFORM pg_advisory_xact_lock(x'696e7365'::int, 3);
    PERFORM pg_advisory_xact_lock(x'696e7365'::int, 2);
    table_name := 'erased_customers';
    removed := 0;
    INSERT INTO insiders.erased_customers (customer_sha256)
    SELECT DISTINCT sha256(convert_to(id, 'UTF8')) FROM unnest(customer_ids) AS id WHERE id IS NOT NULL
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN NEXT;
    added := 0;
    -- By name, so that loads that were not finished and runs that are being dropped count.
    FOR target IN
        SELECT c.oid::regclass AS place, c.relname::text AS name, n.parts[1] = 'members' AS has_members,
            n.parts[2] AS run, n.parts[3] IS NULL AS is_finished
        FROM pg_class c,
            LATERAL regexp_match(c.relname, '^segment_(members|moves)_([0-9a-f]{20})(_new)?$') AS n (parts)
        WHERE c.relnamespace = 'insiders'::regnamespace AND c.relkind = 'r' AND n.parts IS NOT NULL
        ORDER BY c.relname
    LOOP
        IF target.has_members THEN
            EXECUTE format($sql$
                WITH gone AS (
                    DELETE FROM %s WHERE customer_id = ANY ($1)
                    RETURNING sha256(%s) AS hash
                )
                SELECT count(*),
                    coalesce(sum(('x' || encode(substring(hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint), 0),
                    coalesce(sum(('x' || encode(substring(hash FROM 9 FOR 8), 'hex'))::bit(64)::bigint), 0)
                FROM gone $sql$, target.place, insiders.row_bytes(target.place))
            INTO removed, first, second USING customer_ids;
            IF removed > 0 AND target.is_finished THEN
                UPDATE insiders.runs r
                SET customers = r.customers - erase.removed,
                    row_digest = insiders.digest_without(r.row_digest, first, second)
                WHERE r.run_id = target.run;
            END IF;
        ELSE
            EXECUTE format('DELETE FROM %s WHERE customer_id = ANY ($1)', target.place) USING customer_ids;
            GET DIAGNOSTICS removed = ROW_COUNT;
        END IF;
        IF removed > 0 THEN
            runs := runs || target.run;
            table_name := target.name;
            RETURN NEXT;
        END IF;
    END LOOP;
    FOR target IN SELECT DISTINCT u.run FROM unnest(runs) AS u (run) LOOP
        PERFORM insiders.recount(target.run);
    END LOOP;
    -- Samples that were taken before this migration.
    FOR target IN
        SELECT DISTINCT s.tablename AS name FROM pg_stats s
        WHERE s.schemaname = 'insiders' AND s.attname = 'customer_id'
    LOOP
        EXECUTE format('ANALYZE insiders.%I', target.name);
    END LOOP;
END $body$;

CREATE OR REPLACE VIEW insiders.insiders AS
SELECT
    s.customer_id,
    s.gross_revenue,
    s.recency_days,
    s.quantity_of_products,
    s.returns,
    s.frequency,
    s.label AS labels,
    p.segment,
    s.is_guest,
    s.embedding_x,
    s.embedding_y,
    s.run_id,
    s.purchases,
    s.rfm_recency,
    s.rfm_frequency,
    s.rfm_monetary,
    s.rfm_group,
    s.p_alive,
    s.expected_purchases,
    s.clv
FROM insiders.segment_members s
LEFT JOIN insiders.segment_profiles p ON p.run_id = s.run_id AND p.label = s.label
WHERE s.run_id = (SELECT v.run_id FROM insiders.visible_run v);

CREATE OR REPLACE VIEW insiders.history AS
SELECT
    s.customer_id,
    r.as_of,
    s.run_id,
    s.label,
    p.segment,
    s.is_guest,
    s.gross_revenue,
    s.recency_days,
    s.quantity_of_products,
    s.returns,
    s.frequency,
    r.published_at,
    s.purchases,
    s.rfm_recency,
    s.rfm_frequency,
    s.rfm_monetary,
    s.rfm_group,
    s.p_alive,
    s.expected_purchases,
    s.clv
FROM insiders.segment_members s
JOIN insiders.runs r ON r.run_id = s.run_id AND r.retired_at IS NULL
LEFT JOIN insiders.segment_profiles p ON p.run_id = s.run_id AND p.label = s.label;

COMMENT ON COLUMN insiders.insiders.purchases IS 'Distinct purchase invoices; null if the run was published before there was this column, as the next ones.';
COMMENT ON COLUMN insiders.insiders.rfm_recency IS 'RFM score of recency_days, 1 to 5 (rfm.cuts), 5 the most recent.';
COMMENT ON COLUMN insiders.insiders.rfm_frequency IS 'RFM score of purchases, 5 the most.';
COMMENT ON COLUMN insiders.insiders.rfm_monetary IS 'RFM score of gross_revenue, 5 the most.';
COMMENT ON COLUMN insiders.insiders.rfm_group IS 'What the scores are called: Champions, Loyal, …, Lost.';
COMMENT ON COLUMN insiders.insiders.p_alive IS 'Probability that the customer still buys; null for guests and without a model.';
COMMENT ON COLUMN insiders.insiders.expected_purchases IS 'Days with a purchase to be expected within the horizon (value.horizon_days, 365).';
COMMENT ON COLUMN insiders.insiders.clv IS 'Gross revenue to be expected within the horizon, discounted, in the shop''s currency.';
COMMENT ON COLUMN insiders.history.purchases IS 'Distinct purchase invoices until then; null if the run was published before there was this column, as the next ones.';
COMMENT ON COLUMN insiders.history.rfm_recency IS 'RFM score of recency_days, 1 to 5 (rfm.cuts), 5 the most recent.';
COMMENT ON COLUMN insiders.history.rfm_frequency IS 'RFM score of purchases, 5 the most.';
COMMENT ON COLUMN insiders.history.rfm_monetary IS 'RFM score of gross_revenue, 5 the most.';
COMMENT ON COLUMN insiders.history.rfm_group IS 'What the scores are called: Champions, Loyal, …, Lost.';
COMMENT ON COLUMN insiders.history.p_alive IS 'Probability that the customer still buys at that moment; null for guests and without a model.';
COMMENT ON COLUMN insiders.history.expected_purchases IS 'Days with a purchase to be expected within the horizon (value.horizon_days, 365).';
COMMENT ON COLUMN insiders.history.clv IS 'Gross revenue to be expected within the horizon, discounted, in the shop''s currency.';
