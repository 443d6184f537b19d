-- Purpose: let whoever writes incidents note the days to be counted without ever waiting for another
--          writer or for the counting. Until now two transactions that noted the same days in
--          different order waited for each other for ever (a deadlock), and a report of a day that
--          was just being counted waited until the counting was through.
-- How:     notes are only added, no two of them the same row; whoever counts takes them together,
--          one counter at a time.

CREATE OR REPLACE FUNCTION note_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO hexagon_note (jurisdiction_id, day)
    SELECT DISTINCT j.jurisdiction_id, (hour AT TIME ZONE j.time_zone)::date
    FROM (SELECT DISTINCT feed_id, (occurred_at AT TIME ZONE 'UTC')::date AS day FROM written) w
    JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id),
    -- A day of UTC lies in two local days at most.
    LATERAL (VALUES (w.day::timestamp AT TIME ZONE 'UTC'),
        ((w.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond')) AS v (hour);
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN NULL;
END $$;

-- Turn the notes into days to be counted; holds off other counters until the transaction ends.
CREATE FUNCTION take_hexagon_notes() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:hexagon_notes'));
    WITH taken AS (DELETE FROM hexagon_note RETURNING jurisdiction_id, day)
    INSERT INTO hexagon_dirty (jurisdiction_id, day) SELECT DISTINCT jurisdiction_id, day FROM taken
    ON CONFLICT DO NOTHING;
END $$;

GRANT SELECT, DELETE ON hexagon_note TO gridbeat_app;
