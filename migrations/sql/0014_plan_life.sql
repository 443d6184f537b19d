-- Purpose: a plan moves by a step and by nothing else, only where plan_rule allows it; steps, edits
--          and what a plan gives are never changed, so that every version stays as it was.
-- How:     a plan is born as a draft, or as an edited version of its parent. The insert of a step
--          locks its plan, compares, and moves it on; approvals are noted on the plan itself.
--          What was approved before this migration gets the steps that its columns tell of.
-- Errors:  GB409 when the table of rules says no, or somebody else was faster.

INSERT INTO plan_step (plan_id, seq, action, from_status, to_status, actor, reason, at)
SELECT plan_id, 1, 'draft', NULL, 'draft', 'Gridbeat ' || code_version, 'drafted', created_at
FROM plan;
INSERT INTO plan_step (plan_id, seq, action, from_status, to_status, actor, reason, at)
SELECT plan_id, 2, 'approve', 'draft', 'approved', approved_by, approval_reason, approved_at
FROM plan WHERE approved_by IS NOT NULL;
INSERT INTO plan_step (plan_id, seq, action, from_status, to_status, actor, reason, at)
SELECT plan_id, 3, 'publish', 'approved', 'published', approved_by, approval_reason, approved_at
FROM plan WHERE status = 'published';
INSERT INTO plan_step (plan_id, seq, action, from_status, to_status, actor, reason, at)
SELECT plan_id, 4, 'withdraw', CASE WHEN approved_by IS NULL THEN 'draft' ELSE 'approved' END,
       'withdrawn', 'Gridbeat ' || code_version, 'withdrawn before steps were kept', created_at
FROM plan WHERE status = 'withdrawn';

CREATE FUNCTION plan_step_moves() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    p plan;
    steps integer;
BEGIN
    SELECT * INTO p FROM plan WHERE plan_id = NEW.plan_id FOR UPDATE;
    SELECT coalesce(max(seq), 0) INTO steps FROM plan_step WHERE plan_id = NEW.plan_id;
    IF NEW.seq <> steps + 1 THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = format(
            'plan %s has moved on to step %s meanwhile', NEW.plan_id, steps);
    END IF;
    IF steps = 0 AND (NEW.from_status IS NOT NULL OR NEW.to_status <> p.status)
        OR steps > 0 AND NEW.from_status IS DISTINCT FROM p.status
        OR NOT EXISTS (
            SELECT FROM plan_rule r WHERE r.action = NEW.action
            AND r.from_status = coalesce(NEW.from_status, '') AND r.to_status = NEW.to_status) THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = format(
            'plan %s is %s: %s to %s is not allowed', NEW.plan_id, p.status, NEW.action,
            NEW.to_status);
    END IF;
    UPDATE plan SET
        status = NEW.to_status,
        approved_by = CASE WHEN NEW.action = 'approve' THEN NEW.actor ELSE approved_by END,
        approved_at = CASE WHEN NEW.action = 'approve' THEN NEW.at ELSE approved_at END,
        approval_reason =
            CASE WHEN NEW.action = 'approve' THEN NEW.reason ELSE approval_reason END
    WHERE plan_id = NEW.plan_id AND steps > 0;
    RETURN NEW;
END $$;

CREATE FUNCTION plan_moves_by_step() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> (CASE WHEN NEW.parent_id IS NULL THEN 'draft' ELSE 'edited' END) THEN
            RAISE SQLSTATE 'GB409' USING MESSAGE =
                'a plan begins as a draft, or as an edited version of another';
        END IF;
    ELSIF pg_trigger_depth() < 2 THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = 'a plan is moved by a step only';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION plan_history_stays() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE SQLSTATE 'GB409' USING MESSAGE = 'versions, edits and steps of a plan are never changed';
END $$;

CREATE FUNCTION plan_rows_stay() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM plan_step WHERE plan_id = OLD.plan_id) THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = format(
            'plan %s is written: a change makes a new version', OLD.plan_id);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- Rows of a version come with it and never later, not even from who may write drafts.
CREATE FUNCTION plan_rows_come_at_birth() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM plan_step WHERE plan_id = NEW.plan_id) THEN
        RAISE SQLSTATE 'GB409' USING MESSAGE = format(
            'plan %s is written: a change makes a new version', NEW.plan_id);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER plan_step_moves BEFORE INSERT ON plan_step
    FOR EACH ROW EXECUTE FUNCTION plan_step_moves();
CREATE TRIGGER plan_step_stays BEFORE UPDATE OR DELETE ON plan_step
    FOR EACH ROW EXECUTE FUNCTION plan_history_stays();
CREATE TRIGGER plan_edit_stays BEFORE UPDATE OR DELETE ON plan_edit
    FOR EACH ROW EXECUTE FUNCTION plan_history_stays();
CREATE TRIGGER plan_edit_comes BEFORE INSERT ON plan_edit
    FOR EACH ROW EXECUTE FUNCTION plan_rows_come_at_birth();
CREATE TRIGGER plan_moves BEFORE INSERT OR UPDATE ON plan
    FOR EACH ROW EXECUTE FUNCTION plan_moves_by_step();
CREATE TRIGGER plan_stays BEFORE DELETE ON plan
    FOR EACH ROW EXECUTE FUNCTION plan_history_stays();
CREATE TRIGGER plan_item_stays BEFORE UPDATE OR DELETE ON plan_item
    FOR EACH ROW EXECUTE FUNCTION plan_rows_stay();
CREATE TRIGGER plan_item_comes BEFORE INSERT ON plan_item
    FOR EACH ROW EXECUTE FUNCTION plan_rows_come_at_birth();

GRANT SELECT, INSERT ON plan_step, plan_edit TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT, DELETE ON plan_flight, plan_done TO gridbeat_app;
GRANT SELECT, INSERT ON plan_night TO gridbeat_app;
GRANT SELECT ON plan_rule TO gridbeat_app, gridbeat_web;
GRANT UPDATE ON plan_done TO gridbeat_app;
GRANT INSERT, UPDATE, DELETE ON plan_done TO gridbeat_web;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;
GRANT USAGE ON SEQUENCE plan_plan_id_seq TO gridbeat_web;
SELECT protect_rows(name::regclass, by) FROM (VALUES
    ('plan_step', 'signed in'), ('plan_edit', 'signed in'), ('plan_flight', 'signed in'),
    ('plan_night', 'signed in'), ('plan_done', 'area')) AS t (name, by);
