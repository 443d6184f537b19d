-- Purpose: the web service sees drones, airspace and homes no more, and changes no grids.

REVOKE INSERT, UPDATE ON area FROM gridbeat_web;
REVOKE SELECT (area_id, valid_to) ON post FROM gridbeat_web;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['airspace_zone', 'drone', 'drone_route', 'flight_application',
                                'household_point', 'post'] LOOP
        EXECUTE format('DROP POLICY operator ON %I', name);
        EXECUTE format('DROP POLICY web ON %I', name);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE SELECT ON %I FROM gridbeat_web', name);
    END LOOP;
END $$;
