-- Purpose: the log of what happens, for screens that must have every event once and in order.
-- How:     emit_event holds a lock from the numbering of an event to the commit of its
--          transaction, so that numbers become visible in their order: who has seen an event has
--          seen all before it. Transactions that emit are short; imports emit nothing.
-- Sends:   the number of the event on channel gridbeat_events, at commit.

CREATE FUNCTION emit_event(
    kind text, jurisdiction_id integer, area_id bigint, category_id integer, body jsonb
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:live_event'));
    INSERT INTO live_event (kind, jurisdiction_id, area_id, category_id, body)
    VALUES (kind, jurisdiction_id, area_id, category_id, body) RETURNING event_id INTO number;
    PERFORM pg_notify('gridbeat_events', number::text);
    RETURN number;
END $$;

CREATE FUNCTION case_transition_tells() RETURNS trigger
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

CREATE FUNCTION plan_tells() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM emit_event('plan', NEW.jurisdiction_id, NULL, NULL, jsonb_build_object(
        'plan_id', NEW.plan_id, 'plan_date', NEW.plan_date, 'version', NEW.version,
        'status', NEW.status));
    RETURN NULL;
END $$;
CREATE TRIGGER plan_tells AFTER INSERT OR UPDATE OF status ON plan
    FOR EACH ROW EXECUTE FUNCTION plan_tells();

GRANT SELECT, INSERT ON live_event TO gridbeat_app, gridbeat_web;
GRANT DELETE ON live_event TO gridbeat_app;
GRANT USAGE ON SEQUENCE live_event_event_id_seq TO gridbeat_app, gridbeat_web;
-- An event of no area is everybody's who signed in.
ALTER TABLE live_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE live_event FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON live_event TO gridbeat_app USING (true);
CREATE POLICY web ON live_event TO gridbeat_web USING (
    (SELECT sees_all()) OR area_id = ANY ((SELECT seen_areas())::bigint[])
    OR (area_id IS NULL AND (SELECT seen_areas()) IS NOT NULL));
