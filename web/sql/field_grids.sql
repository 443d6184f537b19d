-- Purpose: the grids that an account works in, as shapes that a tablet keeps; EPSG:4326.
-- Row security hides the grids of others.
SELECT a.area_id, a.code, a.name, ST_XMin(a.geom), ST_YMin(a.geom), ST_XMax(a.geom),
       ST_YMax(a.geom), ST_AsGeoJSON(ST_SimplifyPreserveTopology(a.geom, 0.00001), 6)::json
FROM area a
WHERE a.level = 'grid' AND a.grid_kind <> 'micro'
  AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
ORDER BY a.code LIMIT 500
