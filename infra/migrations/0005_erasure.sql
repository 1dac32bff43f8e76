-- Removing a person for good.

-- A run of which somebody was erased has fewer customers than when it was published.
ALTER TABLE insiders.runs DROP CONSTRAINT runs_customers_check;
ALTER TABLE insiders.runs ADD CONSTRAINT runs_customers_check CHECK (customers >= 0);

-- The planner samples values of a column; ids are not to be among them. It needs none: an id
-- is unique.
ALTER TABLE insiders.segment_members ALTER customer_id SET STATISTICS 0;
ALTER TABLE insiders.segment_moves ALTER customer_id SET STATISTICS 0;

CREATE TABLE insiders.erased_customers (
    customer_sha256 bytea NOT NULL CHECK (octet_length(customer_sha256) = 32),
    erasure         bigint GENERATED ALWAYS AS IDENTITY,
    erased_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_sha256)
);

COMMENT ON TABLE insiders.erased_customers IS 'Whom a later publication must not bring back. It holds no id; whoever has an id can find out whether it is here.';
COMMENT ON COLUMN insiders.erased_customers.customer_sha256 IS 'SHA-256 of the customer''s id in UTF-8.';
COMMENT ON COLUMN insiders.erased_customers.erasure IS 'Order of the erasures; numbers may be missing.';
COMMENT ON COLUMN insiders.erased_customers.erased_at IS 'When.';

-- segment_profiles, counted anew from the table of a run's members.
CREATE FUNCTION insiders.count_profile(members regclass)
RETURNS TABLE (label integer, customers bigint, share double precision, gross_revenue double precision,
    frequency double precision, returns double precision, recency_days double precision, revenue_share double precision)
LANGUAGE plpgsql STABLE SET search_path = '' AS $body$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT s.label, count(*), count(*) / sum(count(*)) OVER ()::float8, avg(s.gross_revenue),
            avg(s.frequency), avg(s.returns)::float8, avg(s.recency_days)::float8,
            CASE WHEN sum(sum(s.gross_revenue)) OVER () > 0
                THEN sum(s.gross_revenue) / sum(sum(s.gross_revenue)) OVER () ELSE 0 END
        FROM %s s GROUP BY s.label $sql$, members);
END $body$;

COMMENT ON FUNCTION insiders.count_profile(regclass) IS 'The figures of segment_profiles, counted from a run''s table of members.';

-- The digest is a sum of the rows' hashes (see runs.row_digest): what is gone is subtracted.
CREATE FUNCTION insiders.digest_without(digest text, first numeric, second numeric) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = '' AS $body$
    SELECT string_agg(lpad(to_hex((CASE WHEN word < 2::numeric ^ 63 THEN word ELSE word - 2::numeric ^ 64 END)::bigint), 16, '0'), '' ORDER BY place)
    FROM (
        SELECT place, mod(mod(('x' || substr(digest, place, 16))::bit(64)::bigint - gone, 2::numeric ^ 64) + 2::numeric ^ 64, 2::numeric ^ 64) AS word
        FROM (VALUES (1, first), (17, second)) AS part (place, gone)
    ) words
$body$;

COMMENT ON FUNCTION insiders.digest_without(text, numeric, numeric) IS 'runs.row_digest without rows whose hashes have these sums.';

-- Counts a run's aggregates anew after rows of it were removed.
CREATE FUNCTION insiders.recount(run text) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $body$
DECLARE
    members regclass := to_regclass('insiders.segment_members_' || run);
    moves regclass := to_regclass('insiders.segment_moves_' || run);
BEGIN
    IF members IS NULL THEN
        RETURN;
    END IF;
    UPDATE insiders.segment_profiles p
    SET customers = coalesce(f.customers, 0), share = coalesce(f.share, 0),
        gross_revenue = coalesce(f.gross_revenue, 0), frequency = coalesce(f.frequency, 0),
        returns = coalesce(f.returns, 0), recency_days = coalesce(f.recency_days, 0),
        revenue_share = coalesce(f.revenue_share, 0)
    FROM insiders.segment_profiles q LEFT JOIN insiders.count_profile(members) f ON f.label = q.label
    WHERE q.run_id = run AND p.run_id = q.run_id AND p.label = q.label;
    IF moves IS NOT NULL THEN
        UPDATE insiders.segment_matrix x
        SET customers = coalesce(c.customers, 0), gross_revenue = coalesce(c.gross_revenue, 0)
        FROM insiders.segment_matrix y LEFT JOIN insiders.count_moves(members, moves) c
            ON c.from_label IS NOT DISTINCT FROM y.from_label AND c.to_label IS NOT DISTINCT FROM y.to_label
        WHERE y.run_id = run AND x.ctid = y.ctid;
        DELETE FROM insiders.segment_matrix x WHERE x.run_id = run AND x.customers = 0;
    END IF;
END $body$;

COMMENT ON FUNCTION insiders.recount(text) IS 'Counts the profiles and the matrix of a run anew after rows of it were removed.';

CREATE FUNCTION insiders.erase(customer_ids text[])
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
                    RETURNING sha256(convert_to(customer_id, 'UTF8') || boolsend(is_guest) || float8send(gross_revenue)
                        || int8send(recency_days) || int8send(quantity_of_products) || int8send(returns)
                        || float8send(frequency) || float8send(embedding_x) || float8send(embedding_y)
                        || int4send(label)) AS hash
                )
                SELECT count(*),
                    coalesce(sum(('x' || encode(substring(hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint), 0),
                    coalesce(sum(('x' || encode(substring(hash FROM 9 FOR 8), 'hex'))::bit(64)::bigint), 0)
                FROM gone $sql$, target.place)
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

COMMENT ON FUNCTION insiders.erase(text[]) IS 'Removes these customers from every kept run and leaves tombstones, so that no later publication brings them back; counts rows by table. Vacuum the tables it names to free the space of the rows.';
