-- Purpose: incidents by grid and local day, as the hexagons of the coarsest level count them.
-- Inputs:  place, since, until (days, the last one out). Index: ix_hexagon_day_day.
SELECT area_id, day, sum(n)::int FROM hexagon_day
WHERE jurisdiction_id = %(place)s AND level = 0 AND day >= %(since)s AND day < %(until)s AND area_id <> 0
GROUP BY area_id, day
