-- Purpose: make the monthly partitions of incident before a row needs them.
-- Inputs:  any days; each day's month (UTC) gets a partition incident_pYYYY_MM.
-- Returns: how many were made. Refuses months outside 1970 .. five years from now.
-- Locking: tables are made aside and attached, so readers and writers never wait for it.

CREATE FUNCTION ensure_incident_partitions(days date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_day date;
    made integer := 0;
    partition text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:incident_partitions'));
    FOR first_day IN
        SELECT DISTINCT date_trunc('month', day::timestamp)::date FROM unnest(days) AS day
        ORDER BY 1
    LOOP
        IF first_day < date '1970-01-01' OR first_day > now() + interval '5 years' THEN
            RAISE datetime_field_overflow
            USING MESSAGE = 'no incident partition for the month of ' || first_day;
        END IF;
        partition := 'incident_p' || to_char(first_day, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I (LIKE incident INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
        EXECUTE format(
            'ALTER TABLE incident ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition,
            first_day::timestamp AT TIME ZONE 'UTC',
            (first_day + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

CREATE FUNCTION ensure_incident_partitions_ahead() RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT ensure_incident_partitions(array_agg(day::date))
    FROM generate_series(now() - interval '1 month', now() + interval '13 months',
                         interval '1 month') AS day
$$;

SELECT ensure_incident_partitions_ahead();
