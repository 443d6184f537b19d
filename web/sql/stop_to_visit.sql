-- Purpose: the stop that somebody arrives at, its grid, and how far from it the device is.
-- Inputs:  route, ordinal; lon, lat in EPSG:4326 or null. distance_m on the sphere.
-- Index:   pk_route_stop, idx_area_geom where the stop names no grid.
SELECT s.stop_ref, r.jurisdiction_id,
       coalesce(s.area_id, (
           SELECT a.area_id FROM area a
           WHERE a.jurisdiction_id = r.jurisdiction_id AND a.level = 'grid'
             AND a.grid_kind <> 'micro' AND a.geom && s.geom AND ST_Intersects(a.geom, s.geom)
             AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
           ORDER BY a.grid_kind <> 'exclusive', a.area_id LIMIT 1)) AS area_id,
       ST_DistanceSphere(s.geom, ST_SetSRID(ST_MakePoint(
           %(lon)s::double precision, %(lat)s::double precision), 4326)) AS distance_m
FROM route_stop s JOIN route w USING (route_id) JOIN route_run r USING (route_run_id)
WHERE s.route_id = %(route)s AND s.ordinal = %(ordinal)s
