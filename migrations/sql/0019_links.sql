-- Purpose: what a case does at a link's level or above is written to the outbox and queued in the
--          transaction that does it: neither is without the other. The key follows from the
--          transition's request, so one transition is one message.
-- Order:   messages of one case over one link share a lock of the queue, so they go in order.
-- Never:   a contact of whoever reported.

CREATE FUNCTION case_transition_goes_out() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    c case_file;
    l link;
    number bigint;
    levels text[] := '{grid,community,street,district}';
BEGIN
    SELECT * INTO c FROM case_file WHERE case_id = NEW.case_id;
    FOR l IN SELECT * FROM link k WHERE k.jurisdiction_id = c.jurisdiction_id AND k.active
        AND array_position(levels, c.level) >= array_position(levels, k.from_level)
        AND NEW.actor <> 'link ' || k.code
    LOOP
        number := nextval('outbox_outbox_id_seq');
        INSERT INTO outbox (outbox_id, link_id, key, body)
        VALUES (number, l.link_id, md5(l.link_id || '/' || NEW.request_id)::uuid,
            jsonb_build_object(
                'type', 'case', 'number', c.number, 'version', NEW.seq, 'action', NEW.action,
                'from_state', NEW.from_state, 'state', NEW.to_state, 'level', c.level,
                'at', NEW.at, 'reason', NEW.reason, 'due_at', c.due_at,
                'first_due_at', c.first_due_at, 'words', c.words,
                'lon', round(ST_X(c.geom)::numeric, 6), 'lat', round(ST_Y(c.geom)::numeric, 6),
                'area', (SELECT code FROM area a WHERE a.area_id = c.area_id),
                'category', (SELECT code FROM category g WHERE g.category_id = c.category_id),
                'department', (SELECT code FROM department d
                               WHERE d.department_id = c.department_id)));
        PERFORM jobs.procrastinate_defer_jobs_v1(ARRAY[ROW(
            'gridbeat', 'gridbeat.deliver', 0, format('link/%s/%s', l.link_id, c.case_id), NULL,
            jsonb_build_object('outbox_id', number), NULL
        )::jobs.procrastinate_job_to_defer_v1]);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER case_transition_goes_out AFTER INSERT ON case_transition
    FOR EACH ROW EXECUTE FUNCTION case_transition_goes_out();

GRANT SELECT, INSERT, UPDATE ON link, outbox, inbox TO gridbeat_app;
-- The web service writes to the outbox and cannot read it.
GRANT INSERT ON outbox TO gridbeat_web;
GRANT SELECT, INSERT, UPDATE ON inbox TO gridbeat_web;
GRANT USAGE ON SEQUENCE link_link_id_seq TO gridbeat_app;
GRANT USAGE ON SEQUENCE outbox_outbox_id_seq TO gridbeat_app, gridbeat_web;
SELECT protect_rows('link', 'signed in');
