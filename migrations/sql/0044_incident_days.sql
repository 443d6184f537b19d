-- Purpose: the incidents of a local day in one row, each column packed into a string of bytes, so that a
--          cube is counted without reading the rows: an eighth of the bytes, sent as they lie.
-- Bytes:   big-endian, in one order in all columns. begins, ends: timestamptz, microseconds since 2000
--          (UTC); kinds: integer, category_id * 8 + place of found_by in the list below; areas: bigint, 0
--          for none; xs, ys: double precision, metres in the jurisdiction's metric CRS.
-- Kept by: refresh_hexagons, of the same noted days in the same transaction. A day that is noted again,
--          or has no row, is read from the incidents themselves: a row here is true or not looked at.
--          Days of which reports still come in wait in incident_day_due until a day after their end.
-- Seen by: who sees all areas. To all others no day has a row.

-- Strings of bytes are not compressed: coordinates hardly are, and reading would cost more.
ALTER TABLE incident_day
    ALTER begins SET STORAGE EXTERNAL, ALTER ends SET STORAGE EXTERNAL,
    ALTER kinds SET STORAGE EXTERNAL, ALTER areas SET STORAGE EXTERNAL,
    ALTER xs SET STORAGE EXTERNAL, ALTER ys SET STORAGE EXTERNAL;

-- Pack anew the days that refresh_hexagon_days has just counted; the last to use hexagon_days.
CREATE FUNCTION refresh_incident_days() RETURNS void
LANGUAGE plpgsql SET work_mem = '96MB' SET enable_nestloop = off SET jit = off
SET join_collapse_limit = 1 AS $$
DECLARE
    bounds record;
BEGIN
    DELETE FROM incident_day d USING hexagon_days h
    WHERE d.jurisdiction_id = h.jurisdiction_id AND d.day = h.day;
    -- Today would be packed anew with each report; such days wait, and are read row by row.
    INSERT INTO incident_day_due SELECT jurisdiction_id, day FROM hexagon_days
    WHERE until BETWEEN now() - interval '1 day' AND now() + interval '1 day' ON CONFLICT DO NOTHING;
    DELETE FROM hexagon_days h USING incident_day_due u
    WHERE u.jurisdiction_id = h.jurisdiction_id AND u.day = h.day;
    WITH due AS (
        DELETE FROM incident_day_due u USING jurisdiction j
        WHERE j.jurisdiction_id = u.jurisdiction_id
            AND (u.day + 1)::timestamp AT TIME ZONE j.time_zone < now() - interval '1 day'
        RETURNING u.jurisdiction_id, u.day, j.time_zone)
    INSERT INTO hexagon_days SELECT jurisdiction_id, day, day::timestamp AT TIME ZONE time_zone,
        (day + 1)::timestamp AT TIME ZONE time_zone FROM due;
    SELECT min(since) AS since, max(until) AS until INTO bounds FROM hexagon_days;
    EXECUTE format($pack$
        INSERT INTO incident_day (jurisdiction_id, day, since, until, n, begins, ends, kinds, areas, xs, ys)
        SELECT d.jurisdiction_id, d.day, min(d.since), min(d.until), count(*),
            string_agg(timestamptz_send(i.occurred_at), ''),
            string_agg(timestamptz_send(i.occurred_until), ''),
            string_agg(int4send(i.category_id * 8 + CASE i.found_by WHEN 'resident' THEN 0
                WHEN 'patrol' THEN 1 WHEN 'camera' THEN 2 WHEN 'drone' THEN 3 WHEN 'sensor' THEN 4
                WHEN 'other' THEN 5 END), ''),
            string_agg(int8send(coalesce(i.area_id, 0)), ''),
            string_agg(float8send(i.x_m), ''), string_agg(float8send(i.y_m), '')
        FROM incident i JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id)
        JOIN hexagon_days d ON d.jurisdiction_id = j.jurisdiction_id
            AND d.day = (i.occurred_at AT TIME ZONE j.time_zone)::date
        WHERE i.occurred_at >= %1$L AND i.occurred_at < %2$L
        GROUP BY d.jurisdiction_id, d.day
        $pack$, bounds.since, bounds.until);
END $$;

-- Joined as written, incidents first. Few feeds and jurisdictions are never analyzed, and taken for
-- hundreds each feed was joined with each day, and these with all incidents: up to three times as long.
ALTER FUNCTION refresh_hexagon_days(integer) SET join_collapse_limit = 1;

-- Count the newest `most` noted days anew, their months and their packed columns; returns how many days.
CREATE OR REPLACE FUNCTION refresh_hexagons(most integer DEFAULT 400) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    counted integer := refresh_hexagon_days(most);
BEGIN
    IF counted > 0 THEN
        PERFORM refresh_hexagon_months();
        PERFORM refresh_incident_days();
    END IF;
    RETURN counted;
END $$;

ALTER TABLE incident_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE incident_day FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON incident_day TO gridbeat_app USING (true);
CREATE POLICY web ON incident_day TO gridbeat_web USING ((SELECT sees_all()));
GRANT SELECT ON incident_day, hexagon_note TO gridbeat_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON incident_day, incident_day_due TO gridbeat_app;
