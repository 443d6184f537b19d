-- Purpose: a case moves by a transition and by nothing else, only where case_rule allows it, and
--          no transition is ever changed. The application's checks say it kindly; these hold.
-- How:     the insert of a transition locks its case, compares, and moves the case on. A case
--          itself may be written at birth and from within that trigger alone.
-- Errors:  GB409 when somebody else was faster or the table of rules says no; GB400 when the
--          transition lacks what its action needs.

CREATE FUNCTION case_transition_moves() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
BEGIN
    SELECT * INTO c FROM case_file WHERE case_id = NEW.case_id FOR UPDATE;
    IF NEW.seq <> c.version + 1 THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = format(
            'case %s has moved on to step %s meanwhile', c.number, c.version);
    END IF;
    IF c.version > 0 AND NEW.from_state IS DISTINCT FROM c.state
        OR c.version = 0 AND NEW.from_state IS NOT NULL
        OR NOT EXISTS (
            SELECT FROM case_rule r WHERE r.action = NEW.action
            AND r.from_state = coalesce(NEW.from_state, '') AND r.to_state = NEW.to_state) THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = format(
            'case %s is %s: %s to %s is not allowed', c.number, c.state, NEW.action, NEW.to_state);
    END IF;
    IF NEW.action IN ('check', 'rework', 'close') AND NEW.actor = c.handler THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s was handled by %s, who cannot check it too', c.number, NEW.actor);
    END IF;
    IF NEW.action IN ('grant_extension', 'deny_extension')
        AND coalesce(c.extension_asked_by, NEW.actor) = NEW.actor THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'nobody else asked for more time on case %s', c.number);
    END IF;
    IF NEW.action IN ('resolve', 'close') AND cardinality(NEW.evidence) = 0 THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format('%s needs evidence', NEW.action);
    END IF;
    IF NEW.action = 'escalate' AND NOT coalesce(
        array_position('{grid,community,street,district}'::text[], NEW.level)
            = array_position('{grid,community,street,district}'::text[], c.level) + 1, false) THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s of level %s cannot go up to %s', c.number, c.level, NEW.level);
    END IF;
    UPDATE case_file SET
        version = NEW.seq,
        state = NEW.to_state,
        state_since = CASE WHEN NEW.to_state = c.state AND c.version > 0
                      THEN c.state_since ELSE NEW.at END,
        level = coalesce(NEW.level, c.level),
        department_id = coalesce(NEW.department_id, c.department_id),
        category_id = coalesce(NEW.category_id, c.category_id),
        handler = CASE WHEN NEW.action IN ('receive', 'start', 'resolve') THEN NEW.actor
                       WHEN NEW.action = 'dispatch' THEN NULL ELSE c.handler END,
        due_at = NEW.due_at,
        due_provisional = NEW.due_provisional,
        handle_due_at = NEW.handle_due_at,
        first_due_at = coalesce(c.first_due_at, NEW.handle_due_at),
        extension_asked_by = CASE
            WHEN NEW.action = 'request_extension' THEN NEW.actor
            WHEN NEW.action IN ('grant_extension', 'deny_extension') OR NEW.to_state <> c.state
            THEN NULL ELSE c.extension_asked_by END,
        merged_into = NEW.merged_into
    WHERE case_id = NEW.case_id;
    RETURN NEW;
END $$;

CREATE FUNCTION case_file_moves_by_transition() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 0 OR NEW.state <> 'reported' THEN
            RAISE SQLSTATE 'GB409' USING MESSAGE = 'a case begins as reported, at step 0';
        END IF;
    ELSIF pg_trigger_depth() < 2 THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = 'a case is moved by a transition only';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION case_history_stays() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE SQLSTATE 'GB409' USING MESSAGE = 'the history of a case is never changed';
END $$;

CREATE TRIGGER case_transition_moves BEFORE INSERT ON case_transition
    FOR EACH ROW EXECUTE FUNCTION case_transition_moves();
CREATE TRIGGER case_transition_stays BEFORE UPDATE OR DELETE ON case_transition
    FOR EACH ROW EXECUTE FUNCTION case_history_stays();
CREATE TRIGGER case_file_moves BEFORE INSERT OR UPDATE ON case_file
    FOR EACH ROW EXECUTE FUNCTION case_file_moves_by_transition();
CREATE TRIGGER case_file_stays BEFORE DELETE ON case_file
    FOR EACH ROW EXECUTE FUNCTION case_history_stays();

GRANT SELECT, INSERT, UPDATE ON case_file TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT ON case_transition TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT, UPDATE ON report, department, routing_rule, stage_limit, work_calendar,
    work_spell TO gridbeat_app;
GRANT DELETE ON routing_rule, stage_limit, work_spell TO gridbeat_app;
GRANT SELECT ON case_rule, department, routing_rule, stage_limit, work_calendar, work_spell
    TO gridbeat_app, gridbeat_web;
GRANT INSERT, UPDATE ON report TO gridbeat_web;
GRANT USAGE ON SEQUENCE case_file_case_id_seq TO gridbeat_app, gridbeat_web;
GRANT USAGE ON SEQUENCE department_department_id_seq, routing_rule_routing_rule_id_seq,
    stage_limit_stage_limit_id_seq TO gridbeat_app;
SELECT protect_rows('case_file', 'area or place'), protect_rows('report', 'area or place');
