-- Purpose: cases near a report in place and time that it might repeat, the nearest first.
-- Inputs:  jurisdiction, lon, lat (SRID 4326), radius_m, seen_at, hours. Index: ix_case_file_geom,
--          through a box a little wider than the radius; the distance is on the sphere.
WITH here AS (
    SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom,
        :radius_m / 111000.0 AS lat_reach,
        :radius_m / (111000.0 * greatest(cos(radians(:lat)), 0.01)) AS lon_reach
)
SELECT c.case_id, c.number, c.state, c.words, c.category_id, c.opened_at,
    ST_DistanceSphere(c.geom, h.geom) AS distance_m
FROM here h JOIN case_file c ON c.geom && ST_Expand(h.geom, h.lon_reach, h.lat_reach)
WHERE c.jurisdiction_id = :jurisdiction
    AND c.opened_at BETWEEN CAST(:seen_at AS timestamptz) - make_interval(hours => :hours)
        AND CAST(:seen_at AS timestamptz) + make_interval(hours => :hours)
    AND c.state NOT IN ('void', 'merged', 'rejected')
    AND ST_DistanceSphere(c.geom, h.geom) <= :radius_m
ORDER BY distance_m, c.case_id
LIMIT 50
