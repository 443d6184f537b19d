-- Purpose: events of steps numbered at once again, one index for the place alone.
DROP TRIGGER case_transition_tells ON case_transition;
CREATE OR REPLACE FUNCTION case_transition_tells() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM emit_event('case', c.jurisdiction_id, c.area_id, c.category_id, jsonb_build_object(
        'case_id', c.case_id, 'number', c.number, 'action', NEW.action, 'state', NEW.to_state,
        'level', c.level, 'due_at', c.due_at, 'lon', ST_X(c.geom), 'lat', ST_Y(c.geom)))
    FROM case_file c WHERE c.case_id = NEW.case_id;
    RETURN NULL;
END $$;
CREATE TRIGGER case_transition_tells AFTER INSERT ON case_transition
    FOR EACH ROW EXECUTE FUNCTION case_transition_tells();
DROP FUNCTION take_step(jsonb);
DROP FUNCTION hold_case(bigint, uuid, integer);
DROP FUNCTION stage_limits(integer, integer);
CREATE INDEX ix_case_file_geom ON case_file USING gist (geom);
DROP INDEX ix_case_file_place_time;
