-- Purpose: refresh_hexagons as 0033 made it, without months.

DROP FUNCTION refresh_hexagons(integer), refresh_hexagon_months();
ALTER FUNCTION refresh_hexagon_days(integer) RENAME TO refresh_hexagons;
