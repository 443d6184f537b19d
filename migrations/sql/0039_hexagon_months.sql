-- Purpose: counts of incidents by hexagon and month beside those by day, so that a window of a year
--          reads a dozen rows a block and the days at its ends instead of 365 rows.
-- Rows:    hexagon_month is made like hexagon_day (levels 0 to 2, one class or 0 for all, for those
--          who see all areas), hexagon_area_month like hexagon_area_day (the finest hexagons of an
--          area, 0: of incidents in none). A month is named by its first day.
-- Kept by: refresh_hexagons, from the same changes in the same transaction as the days.

ALTER FUNCTION refresh_hexagons(integer) RENAME TO refresh_hexagon_days;

-- Add to the months what refresh_hexagon_days left in hexagon_change; a row is made anew from its
-- old counts and the change.
CREATE FUNCTION refresh_hexagon_months() RETURNS void
LANGUAGE plpgsql SET work_mem = '96MB' SET enable_nestloop = off SET jit = off AS $$
BEGIN
    WITH change AS (
        SELECT level, block_i, block_j, month, jurisdiction_id, cell, sum(n) AS n,
            CASE WHEN grouping(category_id) = 1 THEN 0 ELSE category_id END AS category_id
        FROM (SELECT i, j, category_id, jurisdiction_id,
                date_trunc('month', day::timestamp)::date AS month, sum(now - was) AS n
            FROM hexagon_change GROUP BY 1, 2, 3, 4, 5 HAVING sum(now - was) <> 0) c
        JOIN hexagon_place USING (i, j)
        WHERE level < 3
        GROUP BY GROUPING SETS ((level, block_i, block_j, month, jurisdiction_id, cell, category_id),
            (level, block_i, block_j, month, jurisdiction_id, cell))
        HAVING sum(n) <> 0
    ), both_times AS (
        SELECT level, block_i, block_j, category_id, month, jurisdiction_id, cell, n FROM change
        UNION ALL
        SELECT level, block_i, block_j, category_id, month, jurisdiction_id, c.cell, c.n
        FROM hexagon_month t JOIN (
            SELECT DISTINCT level, block_i, block_j, category_id, month, jurisdiction_id FROM change) k
            USING (level, block_i, block_j, category_id, month, jurisdiction_id),
            unnest(t.cells, t.counts) AS c (cell, n)
    ), summed AS (
        SELECT level, block_i, block_j, category_id, month, jurisdiction_id, cell, sum(n) AS n
        FROM both_times GROUP BY 1, 2, 3, 4, 5, 6, 7)
    INSERT INTO hexagon_month AS t (level, block_i, block_j, category_id, month, jurisdiction_id,
        cells, counts)
    SELECT level, block_i, block_j, category_id, month, jurisdiction_id,
        coalesce(array_agg(cell) FILTER (WHERE n <> 0), '{}'),
        coalesce(array_agg(n) FILTER (WHERE n <> 0), '{}')
    FROM summed GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (level, block_i, block_j, category_id, month, jurisdiction_id)
        DO UPDATE SET cells = excluded.cells, counts = excluded.counts;

    WITH change AS (
        SELECT i >> 6 AS block_i, j >> 6 AS block_j, date_trunc('month', day::timestamp)::date AS month,
            area_id, jurisdiction_id, category_id, (((i & 63) << 6) | (j & 63))::smallint AS cell,
            sum(now - was) AS n
        FROM hexagon_change GROUP BY i, j, 3, area_id, jurisdiction_id, category_id
        HAVING sum(now - was) <> 0
    ), both_times AS (
        SELECT block_i, block_j, month, area_id, jurisdiction_id, category_id, cell, n FROM change
        UNION ALL
        SELECT block_i, block_j, month, area_id, jurisdiction_id, c.category_id, c.cell, c.n
        FROM hexagon_area_month t JOIN (
            SELECT DISTINCT block_i, block_j, month, area_id, jurisdiction_id FROM change) k
            USING (block_i, block_j, month, area_id, jurisdiction_id),
            unnest(t.category_ids, t.cells, t.counts) AS c (category_id, cell, n)
    ), summed AS (
        SELECT block_i, block_j, month, area_id, jurisdiction_id, category_id, cell, sum(n) AS n
        FROM both_times GROUP BY 1, 2, 3, 4, 5, 6, 7)
    INSERT INTO hexagon_area_month AS t (block_i, block_j, month, area_id, jurisdiction_id,
        category_ids, cells, counts)
    SELECT block_i, block_j, month, area_id, jurisdiction_id,
        coalesce(array_agg(category_id) FILTER (WHERE n <> 0), '{}'),
        coalesce(array_agg(cell) FILTER (WHERE n <> 0), '{}'),
        coalesce(array_agg(n) FILTER (WHERE n <> 0), '{}')
    FROM summed GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (block_i, block_j, month, area_id, jurisdiction_id) DO UPDATE
        SET category_ids = excluded.category_ids, cells = excluded.cells, counts = excluded.counts;
END $$;

-- Count the newest `most` noted days anew, and their months; returns how many days were counted.
CREATE FUNCTION refresh_hexagons(most integer DEFAULT 400) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    counted integer := refresh_hexagon_days(most);
BEGIN
    IF counted > 0 THEN
        PERFORM refresh_hexagon_months();
    END IF;
    RETURN counted;
END $$;

-- The months of what has been counted by day until now. Their owner reads past the walls.
ALTER TABLE hexagon_day NO FORCE ROW LEVEL SECURITY;
ALTER TABLE hexagon_area_day NO FORCE ROW LEVEL SECURITY;
INSERT INTO hexagon_month (level, block_i, block_j, category_id, month, jurisdiction_id, cells, counts)
SELECT level, block_i, block_j, category_id, month, jurisdiction_id, array_agg(cell), array_agg(n)
FROM (
    SELECT level, block_i, block_j, category_id, date_trunc('month', day::timestamp)::date AS month,
        jurisdiction_id, c.cell, sum(c.n) AS n
    FROM hexagon_day, unnest(cells, counts) AS c (cell, n) GROUP BY 1, 2, 3, 4, 5, 6, 7) s
GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO hexagon_area_month (block_i, block_j, month, area_id, jurisdiction_id, category_ids, cells,
    counts)
SELECT block_i, block_j, month, area_id, jurisdiction_id, array_agg(category_id), array_agg(cell),
    array_agg(n)
FROM (
    SELECT block_i, block_j, date_trunc('month', day::timestamp)::date AS month, area_id,
        jurisdiction_id, c.category_id, c.cell, sum(c.n) AS n
    FROM hexagon_area_day, unnest(category_ids, cells, counts) AS c (category_id, cell, n)
    GROUP BY 1, 2, 3, 4, 5, 6, 7) s
GROUP BY 1, 2, 3, 4, 5;
ALTER TABLE hexagon_day FORCE ROW LEVEL SECURITY;
ALTER TABLE hexagon_area_day FORCE ROW LEVEL SECURITY;

SELECT protect_rows('hexagon_area_month', 'area');
-- Counts over all areas are for those who see all areas, and for nobody else.
ALTER TABLE hexagon_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE hexagon_month FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON hexagon_month TO gridbeat_app USING (true);
CREATE POLICY web ON hexagon_month TO gridbeat_web USING ((SELECT sees_all()));
GRANT SELECT ON hexagon_month TO gridbeat_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON hexagon_month, hexagon_area_month TO gridbeat_app;
