-- Purpose: the rows of one stored result over grids.
-- Inputs:  run. Index: pk_result_row.
SELECT area_id, score, p_value, slope, label, (details ->> 'low')::float8 AS low,
    (details ->> 'high')::float8 AS high
FROM result_row WHERE result_run_id = %(run)s AND area_id IS NOT NULL
