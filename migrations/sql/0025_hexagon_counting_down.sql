-- Purpose: refresh_hexagons as 0008 made it.

-- Count up to `most` noted days anew; returns how many were counted.
CREATE OR REPLACE FUNCTION refresh_hexagons(most integer DEFAULT 400) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    counted integer;
BEGIN
    CREATE TEMPORARY TABLE IF NOT EXISTS hexagon_days
        (jurisdiction_id integer, day date, since timestamptz, until timestamptz) ON COMMIT DROP;
    CREATE TEMPORARY TABLE IF NOT EXISTS hexagon_change
        (LIKE hexagon_day INCLUDING DEFAULTS) ON COMMIT DROP;
    TRUNCATE hexagon_days, hexagon_change;
    WITH taken AS (
        DELETE FROM hexagon_dirty d USING (
            SELECT jurisdiction_id, day FROM hexagon_dirty ORDER BY day DESC
            LIMIT most FOR UPDATE SKIP LOCKED) t
        WHERE (d.jurisdiction_id, d.day) = (t.jurisdiction_id, t.day) RETURNING d.*)
    INSERT INTO hexagon_days
    SELECT t.jurisdiction_id, t.day, t.day::timestamp AT TIME ZONE j.time_zone,
        (t.day + 1)::timestamp AT TIME ZONE j.time_zone
    FROM taken t JOIN jurisdiction j USING (jurisdiction_id);
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted = 0 THEN
        RETURN 0;
    END IF;
    ANALYZE hexagon_days;

    WITH gone AS (
        DELETE FROM hexagon_day h USING hexagon_days d
        WHERE h.jurisdiction_id = d.jurisdiction_id AND h.day = d.day RETURNING h.*)
    INSERT INTO hexagon_change
    SELECT level, i, j, day, category_id, area_id, jurisdiction_id, -n FROM gone;

    WITH spots AS (
        SELECT d.jurisdiction_id, d.day, i.category_id, coalesce(i.area_id, 0) AS area_id,
            radians(ST_X(i.geom)) * 6378137.0 AS x,
            6378137.0 * ln(tan(pi() / 4 + radians(
                greatest(least(ST_Y(i.geom), 85.0), -85.0)) / 2)) AS y
        FROM hexagon_days d
        JOIN feed f ON f.jurisdiction_id = d.jurisdiction_id
        JOIN incident i ON i.feed_id = f.feed_id
            AND i.occurred_at >= d.since AND i.occurred_at < d.until
        WHERE i.occurred_at >= (SELECT min(since) FROM hexagon_days)
            AND i.occurred_at < (SELECT max(until) FROM hexagon_days)
    ), axial AS (
        SELECT s.*, l AS level, x / (1.5 * e) AS q, (y / sqrt(3.0) - x / 3.0) / e AS r
        FROM spots s CROSS JOIN generate_series(0, 3) l CROSS JOIN LATERAL hexagon_edge(l) e
    ), rounded AS (
        SELECT *, round(q) AS rq, round(r) AS rr, round(-q - r) AS rs FROM axial
    ), cell AS (
        SELECT level, day, category_id, area_id, jurisdiction_id,
            (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r)
                THEN -rr - rs ELSE rq END)::integer AS q,
            (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r) THEN rr
                WHEN abs(rr - r) > abs(rs + q + r) THEN -rq - rs ELSE rr END)::integer AS r
        FROM rounded
    ), made AS (
        INSERT INTO hexagon_day
        SELECT level, q, r + (q - abs(q % 2)) / 2, day, category_id, area_id, jurisdiction_id,
            count(*)
        FROM cell GROUP BY level, q, r, day, category_id, area_id, jurisdiction_id
        RETURNING *)
    INSERT INTO hexagon_change SELECT * FROM made;

    INSERT INTO hexagon_total AS t
    SELECT level, i, j, c, a, sum(n)
    FROM hexagon_change, LATERAL (SELECT category_id UNION SELECT 0) v (c),
        LATERAL (SELECT area_id UNION SELECT 0) w (a)
    GROUP BY level, i, j, c, a HAVING sum(n) <> 0
    ON CONFLICT (level, i, j, category_id, area_id) DO UPDATE SET n = t.n + excluded.n;
    DELETE FROM hexagon_total WHERE n = 0;
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN counted;
END $$;
