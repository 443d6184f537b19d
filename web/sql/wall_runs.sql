-- Purpose: the newest stored results that the wall draws or tells, by kind and unit.
-- Inputs:  place.
SELECT DISTINCT ON (kind, unit) kind, unit, result_run_id, window_from, window_to, created_at,
    parameters -> 'method' AS method
FROM result_run
WHERE jurisdiction_id = %(place)s AND (kind, unit) IN
    (('hotspots', 'cell'), ('emerging', 'cell'), ('trends', 'area'), ('forecast', 'area'),
    ('blind_spots', 'zone'))
    AND (unit <> 'area' OR parameters -> 'level' ->> 'level' = 'grid')
    AND parameters -> 'request' ->> 'classes' IS NULL
ORDER BY kind, unit, result_run_id DESC
