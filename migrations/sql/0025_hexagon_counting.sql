-- Purpose: count hexagons at a third of the cost: refresh_hexagons of 0008 anew, same tables, same
--          counts.
-- SRID:    hexagons lie in EPSG:3857, as ST_Hexagon numbers them.
-- How:     days are counted once, laid down in the order of the key, and passed on to the totals by
--          one aggregation for all four kinds of total, in memory.

CREATE OR REPLACE FUNCTION refresh_hexagons(most integer DEFAULT 400) RETURNS integer
LANGUAGE plpgsql SET work_mem = '96MB' SET enable_nestloop = off SET jit = off AS $$
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

    -- What is counted now stands in hexagon_change as it is, what was counted before with a minus.
    -- The day is looked up by its date: comparing with the ends of each day would cost as many
    -- comparisons as there are days. OFFSET 0: what is named there is computed once a row.
    WITH spots AS (
        SELECT d.jurisdiction_id, d.day, i.category_id, coalesce(i.area_id, 0) AS area_id,
            radians(ST_X(i.geom)) * 6378137.0 AS x,
            6378137.0 * ln(tan(pi() / 4 + radians(
                greatest(least(ST_Y(i.geom), 85.0), -85.0)) / 2)) AS y
        FROM incident i JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id)
        JOIN hexagon_days d ON d.jurisdiction_id = j.jurisdiction_id
            AND d.day = (i.occurred_at AT TIME ZONE j.time_zone)::date
        WHERE i.occurred_at >= (SELECT min(since) FROM hexagon_days)
            AND i.occurred_at < (SELECT max(until) FROM hexagon_days)
        OFFSET 0
    ), axial AS (
        SELECT s.*, l AS level, x / (1.5 * e) AS q, (y / sqrt(3.0) - x / 3.0) / e AS r
        FROM spots s CROSS JOIN (SELECT l, hexagon_edge(l) AS e FROM generate_series(0, 3) l) edges
        OFFSET 0
    ), rounded AS (
        SELECT *, round(q) AS rq, round(r) AS rr, round(-q - r) AS rs FROM axial OFFSET 0
    ), cell AS (
        SELECT level, day, category_id, area_id, jurisdiction_id,
            (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r)
                THEN -rr - rs ELSE rq END)::integer AS q,
            (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r) THEN rr
                WHEN abs(rr - r) > abs(rs + q + r) THEN -rq - rs ELSE rr END)::integer AS r
        FROM rounded)
    INSERT INTO hexagon_change
    SELECT level, q, r + (q - abs(q % 2)) / 2, day, category_id, area_id, jurisdiction_id, count(*)
    FROM cell GROUP BY level, q, r, day, category_id, area_id, jurisdiction_id;

    WITH gone AS (
        DELETE FROM hexagon_day h USING hexagon_days d
        WHERE h.jurisdiction_id = d.jurisdiction_id AND h.day = d.day RETURNING h.*)
    INSERT INTO hexagon_change
    SELECT level, i, j, day, category_id, area_id, jurisdiction_id, -n FROM gone;
    INSERT INTO hexagon_day
    SELECT * FROM hexagon_change WHERE n > 0
    ORDER BY level, i, j, day, category_id, area_id, jurisdiction_id;

    -- Incidents in no area stand under 0, where those of all areas are: they count there once.
    INSERT INTO hexagon_total AS t
    SELECT level, i, j, c, a, n
    FROM (
        SELECT level, i, j, sum(n) AS n,
            CASE WHEN grouping(category_id) = 1 THEN 0 ELSE category_id END AS c,
            CASE WHEN grouping(area_id) = 1 THEN 0 ELSE area_id END AS a
        FROM hexagon_change
        GROUP BY GROUPING SETS ((level, i, j, category_id, area_id), (level, i, j, category_id),
            (level, i, j, area_id), (level, i, j))
        HAVING sum(n) <> 0 AND (grouping(area_id) = 1 OR area_id <> 0)
            AND (grouping(category_id) = 1 OR category_id <> 0)) sums
    ORDER BY level, i, j, c, a
    ON CONFLICT (level, i, j, category_id, area_id) DO UPDATE SET n = t.n + excluded.n;
    DELETE FROM hexagon_total WHERE n = 0;
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN counted;
END $$;
