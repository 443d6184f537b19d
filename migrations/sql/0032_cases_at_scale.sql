-- Purpose: fewer round trips for each step and report, and no lock held longer than it has to be.
-- Index:   ix_case_file_place_time serves "within 50 m and 24 h" from the index alone: a place's
--          older years are never read. It serves the place alone, too, so the old one goes.
-- Lock:    the event of a step is numbered when its transaction commits and not when the step is
--          written: batches of many steps hold up nobody else (docs/decisions/0008, 0010).

CREATE INDEX ix_case_file_place_time ON case_file USING gist (geom, opened_at);
DROP INDEX ix_case_file_geom;

-- How long stages may take, of a class or of all: {"handle": [5, "work_day"], ...}.
CREATE FUNCTION stage_limits(place integer, class_id integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(
        l.stage, jsonb_build_array(l.value, l.unit) ORDER BY l.category_code IS NOT NULL), '{}')
    FROM stage_limit l
    WHERE l.jurisdiction_id = place AND (l.category_code IS NULL OR EXISTS (
        SELECT FROM category c JOIN category_scheme e USING (scheme_id)
        WHERE c.category_id = class_id AND c.code = l.category_code AND e.scheme = l.scheme))
$$;

-- Hold a case until the transaction ends, and tell all that a step looks at. The second look is
-- a statement of its own: it sees what whoever held the case before has done.
CREATE FUNCTION hold_case(
    wanted bigint, request uuid, class_id integer,
    OUT held case_file, OUT done_case bigint, OUT done_action text, OUT done_actor text,
    OUT limits jsonb
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT * INTO held FROM case_file c WHERE c.case_id = wanted FOR UPDATE;
    IF held.case_id IS NULL THEN
        RETURN;
    END IF;
    SELECT t.case_id, t.action, t.actor INTO done_case, done_action, done_actor
    FROM case_transition t WHERE t.request_id = request;
    IF done_case IS NULL THEN
        limits := stage_limits(held.jurisdiction_id, coalesce(class_id, held.category_id));
    END IF;
END $$;

-- Write a transition and give the case after it. What the guard refuses is an answer and no error,
-- so that the caller's transaction goes on; whatever else goes wrong is an error.
CREATE FUNCTION take_step(
    given jsonb, OUT refused text, OUT message text, OUT after case_file
) LANGUAGE plpgsql AS $$
DECLARE
    t case_transition := jsonb_populate_record(NULL::case_transition, given);
BEGIN
    BEGIN
        INSERT INTO case_transition (case_id, seq, request_id, action, from_state, to_state, actor,
            at, reason, department_id, category_id, level, outcome, satisfaction, merged_into,
            evidence, due_at, due_provisional, handle_due_at, binding, claimed_at)
        VALUES (t.case_id, t.seq, t.request_id, t.action, t.from_state, t.to_state, t.actor,
            t.at, t.reason, t.department_id, t.category_id, t.level, t.outcome, t.satisfaction,
            t.merged_into, t.evidence, t.due_at, t.due_provisional, t.handle_due_at, t.binding,
            t.claimed_at);
    EXCEPTION WHEN SQLSTATE 'GB409' OR SQLSTATE 'GB400' THEN
        refused := SQLSTATE;
        message := SQLERRM;
        RETURN;
    END;
    SELECT * INTO after FROM case_file WHERE case_id = t.case_id;
END $$;

CREATE OR REPLACE FUNCTION case_transition_tells() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM emit_event('case', c.jurisdiction_id, c.area_id, c.category_id, jsonb_build_object(
        'case_id', c.case_id, 'number', c.number, 'action', NEW.action, 'state', NEW.to_state,
        'level', coalesce(NEW.level, c.level), 'due_at', NEW.due_at,
        'lon', ST_X(c.geom), 'lat', ST_Y(c.geom)))
    FROM case_file c WHERE c.case_id = NEW.case_id;
    RETURN NULL;
END $$;
DROP TRIGGER case_transition_tells ON case_transition;
CREATE CONSTRAINT TRIGGER case_transition_tells AFTER INSERT ON case_transition
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION case_transition_tells();
