-- Purpose: which steps of a cube newer import runs may have changed: where their rows lie now, and
--          where those rows lay before.
-- Inputs:  runs (import_run_id), feeds, edges of the steps (UTC), reach (the longest interval that
--          is spread), loose (the incident_id up to which rows without a run are known).
-- Returns: distinct pairs: first (0 before the window) and last span between the edges that the
--          row's interval touches.
-- Indexes: partitions by occurred_at; uq_incident_key_incident_id, then pk_incident for rows
--          without a run; record_version is read as a whole.
SELECT DISTINCT
    width_bucket(row.begins, CAST(:edges AS timestamptz[])) AS first,
    width_bucket(row.ends, CAST(:edges AS timestamptz[])) AS last
FROM (
    SELECT occurred_at AS begins, occurred_until AS ends
    FROM incident
    WHERE import_run_id = ANY(:runs) AND feed_id = ANY(:feeds)
      AND occurred_at >= :low - CAST(:reach AS interval) AND occurred_at < :high
    UNION ALL
    SELECT CAST(record ->> 'occurred_at' AS timestamptz),
           CAST(record ->> 'occurred_until' AS timestamptz)
    FROM record_version
    WHERE kind = 'incidents' AND replaced_by_run_id = ANY(:runs)
    UNION ALL
    SELECT i.occurred_at, i.occurred_until
    FROM incident_key AS k
    JOIN incident AS i ON i.occurred_at = k.occurred_at AND i.incident_id = k.incident_id
    WHERE k.incident_id > :loose AND k.last_run_id IS NULL AND k.feed_id = ANY(:feeds)
) AS row
WHERE row.begins < :high AND row.ends >= :low
