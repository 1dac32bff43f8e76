-- Who may read: the views, and nothing else.

-- A migration that adds a function revokes it from PUBLIC; one that adds a view calls
-- grant_reader again.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA insiders FROM PUBLIC;

CREATE FUNCTION insiders.grant_reader(reader text) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $body$
DECLARE
    readable regclass;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA insiders TO %I', reader);
    FOR readable IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'insiders'::regnamespace AND c.relkind = 'v' ORDER BY c.relname
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO %I', readable, reader);
    END LOOP;
END $body$;

REVOKE EXECUTE ON FUNCTION insiders.grant_reader(text) FROM PUBLIC;

COMMENT ON FUNCTION insiders.grant_reader(text) IS 'Lets a role read the views of this schema.';

DO $body$
BEGIN
    IF to_regrole('insiders_reader') IS NULL THEN
        CREATE ROLE insiders_reader NOLOGIN;
    END IF;
EXCEPTION
    -- Another database of the same server was faster.
    WHEN duplicate_object OR unique_violation THEN NULL;
    -- A managed database may give a publisher no right to create roles.
    WHEN insufficient_privilege THEN
        RAISE WARNING 'role insiders_reader is missing and may not be created here: let an administrator CREATE ROLE insiders_reader NOLOGIN, then SELECT insiders.grant_reader(''insiders_reader'')';
END $body$;

DO $body$
BEGIN
    IF to_regrole('insiders_reader') IS NOT NULL THEN
        PERFORM insiders.grant_reader('insiders_reader');
    END IF;
END $body$;
