-- Purpose: whose ground points are: for each its jurisdiction and its grid as of today, by the rule
--          of reports (exclusive grids first, then by number); no row for a point in none.
-- Inputs:  points, a JSON array of {n, lon, lat} in EPSG:4326.
-- Index:   idx_jurisdiction_geom, idx_area_geom.
SELECT p.n, j.jurisdiction_id, g.area_id, g.name AS area, coalesce(g.name_en, g.name) AS area_en
FROM jsonb_to_recordset(CAST(%(points)s AS jsonb)) AS p (n integer, lon float8, lat float8),
LATERAL (SELECT ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326) AS geom) h,
LATERAL (
    SELECT j.jurisdiction_id FROM jurisdiction j
    WHERE j.geom && h.geom AND ST_Intersects(j.geom, h.geom)
    ORDER BY j.jurisdiction_id LIMIT 1) j
LEFT JOIN LATERAL (
    SELECT a.area_id, a.name, a.name_en FROM area a
    WHERE a.jurisdiction_id = j.jurisdiction_id AND a.level = 'grid' AND a.grid_kind <> 'micro'
      AND a.geom && h.geom AND ST_Intersects(a.geom, h.geom)
      AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
    ORDER BY a.grid_kind <> 'exclusive', a.area_id LIMIT 1) g ON true
