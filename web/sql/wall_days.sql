-- Purpose: incidents by grid and local day, as they were counted for the tiles.
-- Inputs:  place, since, until (days, the last one out). Index: ix_hexagon_area_day_day.
SELECT area_id, day, sum(n)::int FROM hexagon_area_day
WHERE jurisdiction_id = %(place)s AND day >= %(since)s AND day < %(until)s AND area_id <> 0
GROUP BY area_id, day
