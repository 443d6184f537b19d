-- Purpose: cases near reports in place and time that they might repeat, the nearest first.
-- Inputs:  jurisdiction, radius_m and hours (null: as the district says); reports, a JSON array of {n, lon, lat, seen_at}, SRID 4326.
-- Index:   ix_case_file_place_time, through a box a little wider than the radius; the distance is
--          on the sphere. No coalesce: row security holds it to leak, and would read every case.
SELECT g.n, c.case_id, c.number, c.state, c.words, c.category_id, c.opened_at, d.distance_m
FROM jsonb_to_recordset(CAST(:reports AS jsonb))
    AS g (n integer, lon float8, lat float8, seen_at timestamptz),
LATERAL (SELECT CASE WHEN CAST(:radius_m AS float8) IS NULL THEN j.repeat_radius_m
            ELSE CAST(:radius_m AS float8) END AS radius_m,
        make_interval(hours => CASE WHEN CAST(:hours AS int) IS NULL THEN j.repeat_hours
            ELSE CAST(:hours AS int) END) AS span
    FROM jurisdiction j WHERE j.jurisdiction_id = :jurisdiction) s,
LATERAL (SELECT ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326) AS geom,
    s.radius_m / 111000.0 AS lat_reach,
    s.radius_m / (111000.0 * greatest(cos(radians(g.lat)), 0.01)) AS lon_reach) h,
LATERAL (
    SELECT c.* FROM case_file c
    WHERE c.geom && ST_Expand(h.geom, h.lon_reach, h.lat_reach)
        AND c.opened_at BETWEEN g.seen_at - s.span AND g.seen_at + s.span
        AND c.jurisdiction_id = :jurisdiction
        AND c.state NOT IN ('void', 'merged', 'rejected')
        AND ST_DistanceSphere(c.geom, h.geom) <= s.radius_m
    ORDER BY ST_DistanceSphere(c.geom, h.geom), c.case_id LIMIT 50) c,
LATERAL (SELECT ST_DistanceSphere(c.geom, h.geom) AS distance_m) d
ORDER BY g.n, d.distance_m, c.case_id
