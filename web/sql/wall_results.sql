-- Purpose: the newest stored result of each kind on each kind of unit (squares, hexagons, street
--          segments, areas of a level, zones) that can be drawn.
-- Inputs:  place. Results of some classes alone, or of the whole jurisdiction, are not given.
SELECT DISTINCT ON (kind, unit, shape) kind, unit, shape, result_run_id, window_from, window_to,
    created_at, summary -> 'labels' AS labels
FROM (SELECT *, CASE WHEN unit = 'cell' THEN coalesce(parameters -> 'lattice' ->> 'kind', 'square')
        ELSE parameters -> 'level' ->> 'level' END AS shape FROM result_run) r
WHERE jurisdiction_id = %(place)s AND unit <> 'whole'
    AND parameters -> 'request' ->> 'classes' IS NULL
ORDER BY kind, unit, shape, result_run_id DESC
