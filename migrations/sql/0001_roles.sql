-- Purpose: what the application's role may do. It owns nothing and writes to no partition,
--          no function and no history; rows that others refer to it cannot delete.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gridbeat_app') THEN
        CREATE ROLE gridbeat_app NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT pg_has_role(current_user, 'gridbeat_app', 'MEMBER') THEN
        EXECUTE format('GRANT gridbeat_app TO %I', current_user);
    END IF;
END $$;

GRANT USAGE ON SCHEMA public TO gridbeat_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO gridbeat_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;
GRANT INSERT, UPDATE ON
    jurisdiction, feed, import_run, quarantine, area, category_scheme, category, incident,
    station, camera, building, road, household_point, unit, person, post, shift,
    result_run, result_row, plan, plan_item
TO gridbeat_app;
GRANT UPDATE (last_run_id) ON incident_key TO gridbeat_app;
GRANT INSERT ON record_version TO gridbeat_app;
GRANT DELETE ON
    incident, station, camera, building, road, household_point, unit, post, shift,
    result_run, result_row, plan, plan_item
TO gridbeat_app;
REVOKE ALL ON FUNCTION ensure_incident_partitions(date[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION ensure_incident_partitions_ahead() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_incident_partitions(date[]) TO gridbeat_app;
GRANT EXECUTE ON FUNCTION ensure_incident_partitions_ahead() TO gridbeat_app;
