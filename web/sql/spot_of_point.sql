-- Purpose: whose ground a point is: the jurisdiction and its grid as of today, by the rule of
--          reports (exclusive grids first, then by number).
-- Inputs:  lon, lat in EPSG:4326. Index: idx_jurisdiction_geom, idx_area_geom.
SELECT j.jurisdiction_id, g.area_id, g.name AS area
FROM (SELECT ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) AS geom) p
JOIN jurisdiction j ON j.geom && p.geom AND ST_Intersects(j.geom, p.geom)
LEFT JOIN LATERAL (
    SELECT a.area_id, a.name FROM area a
    WHERE a.jurisdiction_id = j.jurisdiction_id AND a.level = 'grid' AND a.grid_kind <> 'micro'
      AND a.geom && p.geom AND ST_Intersects(a.geom, p.geom)
      AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
    ORDER BY a.grid_kind <> 'exclusive', a.area_id LIMIT 1) g ON true
ORDER BY j.jurisdiction_id LIMIT 1
