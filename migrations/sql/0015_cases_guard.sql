-- Purpose: the guard of 0006 with what steps need taken from case_need, so that code and database
--          hold to one table; objections, binding dispatches, refusals and merges; time that
--          never runs backwards.
-- Errors:  GB409 when somebody else was faster or the table of rules says no; GB400 when the
--          transition lacks what its action needs.

CREATE FUNCTION case_lacks(c case_file, t case_transition) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT string_agg(n.need, ', ' ORDER BY n.need) FROM case_need n
    WHERE n.action = t.action AND NOT coalesce(CASE n.need
        WHEN 'reason' THEN btrim(t.reason) <> ''
        WHEN 'department' THEN t.department_id IS NOT NULL
        WHEN 'category' THEN coalesce(t.category_id, c.category_id) IS NOT NULL
        WHEN 'evidence' THEN cardinality(t.evidence) > 0
        WHEN 'other_person' THEN t.actor IS DISTINCT FROM c.handler
        WHEN 'approver' THEN c.extension_asked_by IS NOT NULL AND t.actor <> c.extension_asked_by
        WHEN 'outcome' THEN t.outcome IS NOT NULL
        WHEN 'case' THEN t.merged_into IS NOT NULL AND t.merged_into <> c.case_id
        WHEN 'satisfaction' THEN t.satisfaction IS NOT NULL
        WHEN 'unbound' THEN c.may_object
    END, false)
$$;

CREATE OR REPLACE FUNCTION case_transition_moves() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
    lacking text;
    goal case_file;
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
    IF NEW.at < c.last_at THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s: a step cannot be done before the one that it follows', c.number);
    END IF;
    lacking := case_lacks(c, NEW);
    IF lacking IS NOT NULL THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s: %s needs %s', c.number, NEW.action, lacking);
    END IF;
    IF NEW.action = 'grant_extension' AND NOT coalesce(NEW.handle_due_at > c.handle_due_at, true)
    THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s: more time ends later than before', c.number);
    END IF;
    IF NEW.action IN ('escalate', 'refuse') THEN
        IF NOT coalesce(
            array_position('{grid,community,street,district}'::text[], NEW.level)
                = array_position('{grid,community,street,district}'::text[], c.level) + 1, false)
        THEN
            RAISE SQLSTATE 'GB400' USING MESSAGE = format(
                'case %s of level %s cannot go up to %s', c.number, c.level, NEW.level);
        END IF;
    ELSIF NEW.level IS NOT NULL AND NEW.action <> 'accept' THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s: %s sets no level', c.number, NEW.action);
    END IF;
    IF NEW.binding AND NEW.action <> 'dispatch' THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s: only a dispatch can be binding', c.number);
    END IF;
    IF NEW.action = 'merge' THEN
        SELECT * INTO goal FROM case_file WHERE case_id = NEW.merged_into;
        IF goal.state IN ('closed', 'rejected', 'void', 'merged')
            OR goal.jurisdiction_id <> c.jurisdiction_id THEN
            RAISE SQLSTATE 'GB409' USING MESSAGE = format(
                'case %s is %s: nothing is merged into it', goal.number, goal.state);
        END IF;
    ELSIF NEW.merged_into IS NOT NULL THEN
        RAISE SQLSTATE 'GB400' USING MESSAGE = format(
            'case %s: only a merge names another case', c.number);
    END IF;
    UPDATE case_file SET
        version = NEW.seq,
        state = NEW.to_state,
        state_since = CASE WHEN NEW.to_state = c.state AND c.version > 0
                           AND NEW.action NOT IN ('escalate', 'refuse')
                      THEN c.state_since ELSE NEW.at END,
        level = coalesce(NEW.level, c.level),
        department_id = coalesce(NEW.department_id, c.department_id),
        first_department_id = coalesce(c.first_department_id, NEW.department_id),
        may_object = CASE WHEN NEW.action <> 'dispatch' THEN c.may_object
            ELSE NOT NEW.binding AND NOT EXISTS (
                SELECT FROM case_transition o JOIN LATERAL (
                    SELECT d.department_id FROM case_transition d
                    WHERE d.case_id = o.case_id AND d.action = 'dispatch' AND d.seq < o.seq
                    ORDER BY d.seq DESC LIMIT 1) sent ON true
                WHERE o.case_id = NEW.case_id AND o.action = 'object'
                    AND sent.department_id = NEW.department_id) END,
        category_id = coalesce(NEW.category_id, c.category_id),
        handler = CASE WHEN NEW.action IN ('receive', 'start', 'resolve') THEN NEW.actor
                       WHEN NEW.action = 'dispatch' THEN NULL ELSE c.handler END,
        due_at = NEW.due_at,
        due_provisional = NEW.due_provisional,
        handle_due_at = NEW.handle_due_at,
        first_due_at = coalesce(c.first_due_at, NEW.handle_due_at),
        last_at = NEW.at,
        extension_asked_by = CASE
            WHEN NEW.action = 'request_extension' THEN NEW.actor
            WHEN NEW.action IN ('grant_extension', 'deny_extension') OR NEW.to_state <> c.state
            THEN NULL ELSE c.extension_asked_by END,
        merged_into = NEW.merged_into
    WHERE case_id = NEW.case_id;
    RETURN NEW;
END $$;

GRANT SELECT ON case_need TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT ON case_notice TO gridbeat_app;
GRANT SELECT ON case_notice TO gridbeat_web;
GRANT SELECT, INSERT ON classifier TO gridbeat_app;
GRANT SELECT ON classifier TO gridbeat_web;
GRANT USAGE ON SEQUENCE classifier_classifier_id_seq TO gridbeat_app;
-- The desk changes who is responsible for what.
GRANT INSERT, UPDATE, DELETE ON routing_rule TO gridbeat_web;
GRANT INSERT, UPDATE ON department TO gridbeat_web;
GRANT USAGE ON SEQUENCE department_department_id_seq, routing_rule_routing_rule_id_seq
    TO gridbeat_web;
-- Filing a report looks up whether its incident is there already.
GRANT SELECT (feed_id, source_ref) ON incident_key TO gridbeat_web;
