-- Purpose: how far each grid is from the nearest base of each kind of unit, and whether a camera
--          stands in it or a zone that no drone may enter holds all of it.
-- Inputs:  :place (jurisdiction), :areas (area_id), :begins and :ends of the day.
-- SRID:    4326; metres on the spheroid, straight lines.
-- Index:   idx_camera_geom, idx_airspace_zone_geom (GiST).
WITH own AS (
    SELECT feed_id FROM feed WHERE jurisdiction_id = :place
), grid AS (
    SELECT area_id, geom, ST_PointOnSurface(geom) AS middle FROM area
    WHERE area_id = ANY (CAST(:areas AS bigint[]))
), base AS (
    SELECT DISTINCT u.kind, s.geom FROM unit u
    JOIN station s ON (s.source_ref = u.home_station OR s.name = u.home_station)
    WHERE u.feed_id IN (SELECT feed_id FROM own) AND s.feed_id IN (SELECT feed_id FROM own)
)
SELECT g.area_id,
       (SELECT jsonb_object_agg(kind, metres) FROM (
           SELECT kind, min(ST_Distance(g.middle::geography, geom::geography)) AS metres
           FROM base GROUP BY kind) AS near) AS metres,
       EXISTS (SELECT FROM camera c WHERE ST_Intersects(c.geom, g.geom)
               AND c.status NOT IN ('offline', 'retired')
               AND c.feed_id IN (SELECT feed_id FROM own)) AS has_camera,
       EXISTS (SELECT FROM airspace_zone z WHERE ST_Covers(z.geom, g.geom) AND z.floor_m = 0
               AND z.kind <> 'crowd' AND z.feed_id IN (SELECT feed_id FROM own)
               AND z.valid_from < :ends AND z.valid_to > :begins) AS no_fly
FROM grid g
