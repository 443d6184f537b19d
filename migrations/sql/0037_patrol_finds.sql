-- Purpose: what patrols found by hexagon, beside their hours. Index: pk_incident, pk_effort.

-- Count by hexagon and grid: households; and of the last 28 days with records, the time of patrols on
-- foot and in vehicles, and what patrols found, so that finds are divided by the effort behind them.
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
    ), span AS (
        SELECT max(hour) - interval '28 days' AS since, max(hour) + interval '1 hour' AS until
        FROM effort WHERE source IN ('foot', 'vehicle')
    ), walked AS (
        SELECT e.jurisdiction_id, ST_PointOnSurface(g.geom) AS geom, e.area_id, e.seconds
        FROM (SELECT jurisdiction_id, i, j, area_id, sum(seconds) AS seconds FROM effort
            WHERE source IN ('foot', 'vehicle') AND hour >= (SELECT since FROM span)
            GROUP BY jurisdiction_id, i, j, area_id) e
        JOIN ground_cell g USING (jurisdiction_id, i, j)
    ), found AS (
        SELECT f.jurisdiction_id, x.geom, coalesce(x.area_id, 0) AS area_id
        FROM incident x JOIN feed f USING (feed_id)
        WHERE x.found_by = 'patrol' AND x.occurred_at >= (SELECT since FROM span)
            AND x.occurred_at < (SELECT until FROM span)
    )
    INSERT INTO hexagon_ground (level, i, j, area_id, jurisdiction_id, households, patrol_s, finds)
    SELECT level, h.i, h.j, area_id, jurisdiction_id, sum(households), sum(seconds), sum(finds)
    FROM (SELECT jurisdiction_id, geom, area_id, households, NULL::float8 AS seconds, NULL::integer AS finds
            FROM lived
        UNION ALL SELECT jurisdiction_id, geom, area_id, NULL, seconds, NULL FROM walked
        UNION ALL SELECT jurisdiction_id, geom, area_id, NULL, NULL, 1 FROM found) p,
        generate_series(0, 3) AS level, LATERAL hexagon_of(level, ST_X(geom), ST_Y(geom)) h
    GROUP BY level, h.i, h.j, area_id, jurisdiction_id;
    GET DIAGNOSTICS counted = ROW_COUNT;
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN counted;
END $$;
