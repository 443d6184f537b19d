-- Purpose: partitions of effort, who may do what with tracks, and who sees which row of them.
--          Tracks of staff are sensitive: fixes as they came cannot be read by the web service at
--          all, the rest only within the account's ground, and each read is logged by the service.

-- Make the monthly partitions (UTC) of effort before a row needs them; see 0001.
CREATE FUNCTION ensure_effort_partitions(days date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_day date;
    made integer := 0;
    partition text;
BEGIN
    FOR first_day IN
        SELECT DISTINCT date_trunc('month', day::timestamp)::date FROM unnest(days) AS day
        ORDER BY 1
    LOOP
        IF first_day < date '1970-01-01' OR first_day > now() + interval '5 years' THEN
            RAISE datetime_field_overflow
            USING MESSAGE = 'no partition of effort for the month of ' || first_day;
        END IF;
        partition := 'effort_p' || to_char(first_day, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtext('gridbeat:effort_partitions'));
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I (LIKE effort INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
        EXECUTE format(
            'ALTER TABLE effort ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition,
            first_day::timestamp AT TIME ZONE 'UTC',
            (first_day + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION ensure_effort_partitions(date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_effort_partitions(date[]) TO gridbeat_app, gridbeat_web;

-- The later of two looks in each hour of the week.
CREATE FUNCTION latest_hours(one integer[], other integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(greatest(a, b) ORDER BY n)
    FROM unnest(one, other) WITH ORDINALITY AS t (a, b, n)
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON track_device, track_raw, track_segment, track_stay, effort,
    ground_cell, last_look, account_device TO gridbeat_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;

SELECT protect_rows('track_device', 'signed in'), protect_rows('track_segment', 'place'),
       protect_rows('track_stay', 'area or place'), protect_rows('effort', 'area'),
       protect_rows('ground_cell', 'area or place'), protect_rows('last_look', 'area');
-- A tablet's batch comes in through the service: it writes fixes and may know their numbers and
-- times, never where they were.
GRANT SELECT (track_raw_id, track_device_id, first_seq, last_seq, starts_at, ends_at, n_points)
    ON track_raw TO gridbeat_web;
GRANT INSERT ON track_raw, track_segment, track_stay TO gridbeat_web;
GRANT INSERT, UPDATE ON effort, last_look TO gridbeat_web;
GRANT SELECT ON account_device, shift TO gridbeat_web;
GRANT USAGE ON SEQUENCE track_raw_track_raw_id_seq, track_segment_track_segment_id_seq,
    track_stay_track_stay_id_seq TO gridbeat_web;

CREATE TRIGGER layer_changes AFTER INSERT OR UPDATE OR DELETE ON last_look
    FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('looks');
CREATE TRIGGER layer_changes AFTER INSERT OR UPDATE OR DELETE ON ground_cell
    FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('looks');
