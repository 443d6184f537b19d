-- Purpose: the second wall. Three roles, and which rows each may see.
--   gridbeat_app     the command line, imports, nightly work and the job worker: every row.
--   gridbeat_web     the web service: rows of the areas that the request's account may see.
--                    A transaction that sets no scope sees none.
--   gridbeat_loader  COPY into incident and nothing else: COPY refuses tables with row security,
--                    so this role passes it by, and it may read nothing.
-- Scope:   set_config(..., true) in the request's transaction, see web/sql/set_scope.sql:
--          gridbeat.scope 'all' or '', gridbeat.areas and gridbeat.roots as '{1,2}'.
-- Index:   policies are (SELECT ...) so that they are computed once a query; the box operator
--          is marked leakproof so that the planner may use a spatial index before the policy.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gridbeat_web') THEN
        CREATE ROLE gridbeat_web NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT pg_has_role(current_user, 'gridbeat_web', 'MEMBER') THEN
        EXECUTE format('GRANT gridbeat_web TO %I', current_user);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gridbeat_loader') THEN
        CREATE ROLE gridbeat_loader NOLOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT pg_has_role('gridbeat_app', 'gridbeat_loader', 'MEMBER') THEN
        GRANT gridbeat_loader TO gridbeat_app;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'a superuser has to make the roles gridbeat_web and gridbeat_loader first'
    USING HINT = 'CREATE ROLE gridbeat_web NOBYPASSRLS; CREATE ROLE gridbeat_loader BYPASSRLS; '
                 'GRANT gridbeat_loader TO gridbeat_app;';
END $$;

GRANT USAGE ON SCHEMA public TO gridbeat_web, gridbeat_loader;
GRANT INSERT ON incident TO gridbeat_loader;
GRANT USAGE ON SEQUENCE incident_id_seq TO gridbeat_loader;

DO $$
BEGIN
    ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'spatial indexes stay unused for the web service until a superuser runs: '
        'ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;';
END $$;

-- What a request may see.
CREATE FUNCTION sees_all() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('gridbeat.scope', true), '') = 'all'
$$;
CREATE FUNCTION seen_areas() RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('gridbeat.areas', true), '')::bigint[]
$$;
CREATE FUNCTION seen_ground() RETURNS geometry
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT ST_Union(geom) FROM area
    WHERE area_id = ANY (nullif(current_setting('gridbeat.roots', true), '')::bigint[])
$$;
CREATE FUNCTION areas_under(roots bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE below AS (
        SELECT area_id FROM area WHERE area_id = ANY (roots)
        UNION
        SELECT a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id)
    SELECT coalesce(array_agg(area_id), '{}') FROM below
$$;
REVOKE ALL ON FUNCTION areas_under(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION areas_under(bigint[]) TO gridbeat_app, gridbeat_web;

-- Put a table behind the wall: by 'area' (its column area_id), by 'place' (its column geom), by
-- 'run' (as its result_run) or 'open' to everybody who signed in. Later migrations call it, too.
CREATE FUNCTION protect_rows(target regclass, by text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    rule text := CASE by
        WHEN 'area' THEN '(SELECT sees_all()) OR area_id = ANY ((SELECT seen_areas())::bigint[])'
        WHEN 'place' THEN '(SELECT sees_all()) OR (geom && (SELECT seen_ground()) '
                          'AND ST_Intersects(geom, (SELECT seen_ground())))'
        WHEN 'area or place' THEN
            '(SELECT sees_all()) OR area_id = ANY ((SELECT seen_areas())::bigint[]) '
            'OR (area_id IS NULL AND geom && (SELECT seen_ground()) '
            'AND ST_Intersects(geom, (SELECT seen_ground())))'
        WHEN 'signed in' THEN
            '(SELECT sees_all()) OR (SELECT seen_areas()) IS NOT NULL'
    END;
BEGIN
    IF rule IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'rows cannot be protected by ' || by;
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY operator ON %s TO gridbeat_app USING (true)', target);
    EXECUTE format('CREATE POLICY web ON %s TO gridbeat_web USING (%s)', target, rule);
    EXECUTE format('GRANT SELECT ON %s TO gridbeat_web', target);
END $$;
REVOKE ALL ON FUNCTION protect_rows(regclass, text) FROM PUBLIC;

SELECT protect_rows(name::regclass, by) FROM (VALUES
    ('area', 'area'), ('incident', 'area'), ('plan_item', 'area'), ('unit', 'area'),
    ('camera', 'place'), ('station', 'signed in'), ('road', 'signed in'),
    ('building', 'signed in'), ('jurisdiction', 'signed in'), ('feed', 'signed in'),
    ('plan', 'signed in'), ('result_run', 'signed in'), ('result_row', 'area or place'),
    ('job', 'signed in')) AS t (name, by);
-- The names of classes belong to no place, and files of them are taken in by COPY.
GRANT SELECT ON category, category_scheme TO gridbeat_web;
GRANT SELECT (incident_id, occurred_at) ON incident_key TO gridbeat_web;
GRANT INSERT, UPDATE ON incident, plan, plan_item, job TO gridbeat_web;
GRANT INSERT, UPDATE ON feed TO gridbeat_web;
GRANT INSERT, UPDATE, DELETE ON result_run, result_row TO gridbeat_web;
GRANT DELETE ON plan, plan_item TO gridbeat_web;
GRANT USAGE ON SEQUENCE incident_id_seq TO gridbeat_web;
GRANT EXECUTE ON FUNCTION ensure_incident_partitions(date[]) TO gridbeat_web;

-- Accounts, keys and the log. Both roles manage accounts; nobody changes the log.
GRANT SELECT, INSERT, UPDATE ON account, account_role, account_area, api_token, web_session,
    oidc_flow, rate_bucket, job TO gridbeat_app;
GRANT SELECT, INSERT, UPDATE ON account, account_role, account_area, api_token, web_session,
    oidc_flow, rate_bucket TO gridbeat_web;
GRANT DELETE ON account_role, account_area, web_session, oidc_flow, rate_bucket
    TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT ON audit_entry TO gridbeat_app, gridbeat_web;
