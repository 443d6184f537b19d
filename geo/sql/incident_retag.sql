-- Purpose: give incidents another grid, found by the half-open rule outside the database.
-- Inputs:  ids, times (the primary key) and areas (0 for none) as arrays of one length.
--          Index: pk_incident of each partition.
UPDATE incident i SET area_id = nullif(t.area_id, 0)
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[], %(areas)s::bigint[])
    AS t (incident_id, occurred_at, area_id)
WHERE i.incident_id = t.incident_id AND i.occurred_at = t.occurred_at
