-- Purpose: cases near reports in place and time that they might repeat, the nearest first.
-- Inputs:  jurisdiction, radius_m, hours; reports, a JSON array of {n, lon, lat, seen_at}, SRID 4326.
-- Index:   ix_case_file_place_time, through a box a little wider than the radius; the distance is
--          on the sphere.
SELECT g.n, c.case_id, c.number, c.state, c.words, c.category_id, c.opened_at, d.distance_m
FROM jsonb_to_recordset(CAST(:reports AS jsonb))
    AS g (n integer, lon float8, lat float8, seen_at timestamptz),
LATERAL (SELECT ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326) AS geom,
    :radius_m / 111000.0 AS lat_reach,
    :radius_m / (111000.0 * greatest(cos(radians(g.lat)), 0.01)) AS lon_reach) h,
LATERAL (
    SELECT c.* FROM case_file c
    WHERE c.geom && ST_Expand(h.geom, h.lon_reach, h.lat_reach)
        AND c.opened_at BETWEEN g.seen_at - make_interval(hours => :hours)
            AND g.seen_at + make_interval(hours => :hours)
        AND c.jurisdiction_id = :jurisdiction
        AND c.state NOT IN ('void', 'merged', 'rejected')
        AND ST_DistanceSphere(c.geom, h.geom) <= :radius_m
    ORDER BY ST_DistanceSphere(c.geom, h.geom), c.case_id LIMIT 50) c,
LATERAL (SELECT ST_DistanceSphere(c.geom, h.geom) AS distance_m) d
ORDER BY g.n, d.distance_m, c.case_id
