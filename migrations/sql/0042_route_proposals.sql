-- Purpose: tell open pages of a plan, and tablets, when routes are proposed and when they come
--          into force; let the web service put a proposal into force and change nothing else of it.

CREATE FUNCTION route_run_tells() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM emit_event('plan', p.jurisdiction_id, NULL, NULL, jsonb_build_object(
        'plan_id', p.plan_id, 'plan_date', p.plan_date, 'version', p.version,
        'status', p.status, 'routes', NEW.route_run_id, 'proposed', NEW.is_proposal))
    FROM plan p WHERE p.plan_id = NEW.plan_id;
    RETURN NULL;
END $$;
CREATE TRIGGER route_run_tells AFTER INSERT OR UPDATE OF is_proposal ON route_run
    FOR EACH ROW WHEN (NEW.parent_run_id IS NOT NULL) EXECUTE FUNCTION route_run_tells();

-- The wall draws routes that are in force, of plans that are published.
CREATE TRIGGER layer_changes AFTER UPDATE ON route_run
    FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('plans');
CREATE TRIGGER layer_changes AFTER UPDATE ON plan
    FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('plans');

GRANT UPDATE (is_proposal, confirmed_by, confirmed_why, confirmed_at) ON route_run
    TO gridbeat_web;
