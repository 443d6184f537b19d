-- Purpose: refresh_hexagon_ground as 0013 made it.

-- Count households, and the patrol time of the last 28 days with records, by hexagon and grid.
-- Households are those of household points, or of buildings in a jurisdiction without any.
CREATE OR REPLACE FUNCTION refresh_hexagon_ground() RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    counted integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:hexagon_ground'));
    DELETE FROM hexagon_ground;
    WITH home AS (
        SELECT f.jurisdiction_id, h.geom, h.households FROM household_point h JOIN feed f USING (feed_id)
        UNION ALL
        SELECT f.jurisdiction_id, ST_PointOnSurface(b.geom), b.households
        FROM building b JOIN feed f USING (feed_id)
        WHERE b.households > 0 AND NOT EXISTS (
            SELECT FROM household_point h JOIN feed g USING (feed_id)
            WHERE g.jurisdiction_id = f.jurisdiction_id)
    ), lived AS (
        SELECT h.jurisdiction_id, h.geom, h.households, coalesce(a.area_id, 0) AS area_id
        FROM home h LEFT JOIN LATERAL (
            SELECT area_id FROM area WHERE jurisdiction_id = h.jurisdiction_id AND level = 'grid'
                AND geom && h.geom AND ST_Intersects(geom, h.geom)
                AND valid_from <= CURRENT_DATE AND CURRENT_DATE < valid_to
            ORDER BY grid_kind = 'exclusive' DESC, code LIMIT 1) a ON true
    ), walked AS (
        SELECT e.jurisdiction_id, ST_PointOnSurface(g.geom) AS geom, e.area_id, e.seconds
        FROM (SELECT jurisdiction_id, i, j, area_id, sum(seconds) AS seconds FROM effort
            WHERE source <> 'camera' AND hour >= (SELECT max(hour) FROM effort) - interval '28 days'
            GROUP BY jurisdiction_id, i, j, area_id) e
        JOIN ground_cell g USING (jurisdiction_id, i, j)
    )
    INSERT INTO hexagon_ground (level, i, j, area_id, jurisdiction_id, households, patrol_s)
    SELECT level, h.i, h.j, area_id, jurisdiction_id, sum(households), sum(seconds)
    FROM (SELECT jurisdiction_id, geom, area_id, households, NULL::float8 AS seconds FROM lived
        UNION ALL SELECT jurisdiction_id, geom, area_id, NULL, seconds FROM walked) p,
        generate_series(0, 3) AS level, LATERAL hexagon_of(level, ST_X(geom), ST_Y(geom)) h
    GROUP BY level, h.i, h.j, area_id, jurisdiction_id;
    GET DIAGNOSTICS counted = ROW_COUNT;
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN counted;
END $$;
