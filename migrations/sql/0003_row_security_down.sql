-- Purpose: take the second wall down again. The roles stay: they belong to the server.
DO $$
DECLARE
    target record;
BEGIN
    FOR target IN SELECT DISTINCT polrelid::regclass AS name FROM pg_policy
                  WHERE polname IN ('operator', 'web') LOOP
        EXECUTE format('DROP POLICY operator ON %s', target.name);
        EXECUTE format('DROP POLICY web ON %s', target.name);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', target.name);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', target.name);
    END LOOP;
END $$;
DROP FUNCTION protect_rows(regclass, text), areas_under(bigint[]), seen_ground(), seen_areas(),
    sees_all();
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM gridbeat_web, gridbeat_loader;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM gridbeat_web, gridbeat_loader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM gridbeat_web, gridbeat_loader;
REVOKE ALL ON SCHEMA public FROM gridbeat_web, gridbeat_loader;
DO $$
BEGIN
    ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$;
