-- Purpose: counts of incidents by hexagon in rows that hold many hexagons each, at a tenth of the
--          cost of one row a hexagon, day, class and grid.
-- SRID:    hexagons lie in EPSG:3857, as ST_Hexagon numbers them; level 3 is the finest.
-- Nesting: an incident counts in the finest hexagon that it lies in, and at coarser levels in the
--          hexagon that the centre of this one lies in, so that levels add up exactly.
-- Rows:    all hold a block of 64 x 64 hexagons of one level; a hexagon's place in its block is
--          64 * (i & 63) + (j & 63). hexagon_day (levels 0 to 2) and hexagon_total (0 to 3) count
--          one class (0: all) over all areas, for those who see all. hexagon_area_day and
--          hexagon_area_total count the finest hexagons of one area (0: of incidents in none, by
--          day alone), for those who see some, and by day for all at level 3, where few areas lie
--          in a tile.

-- The hexagon that holds a point in axial coordinates; of a point on an edge, always the same one.
-- OFFSET 0: what is named there is computed once a row.
CREATE FUNCTION hexagon_at(q float8, r float8) RETURNS TABLE (i integer, j integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT q, r + (q - abs(q % 2)) / 2 FROM (
        SELECT (CASE WHEN abs(rq - p.q) > abs(rr - p.r) AND abs(rq - p.q) > abs(rs + p.q + p.r)
                THEN -rr - rs ELSE rq END)::integer AS q,
            (CASE WHEN abs(rq - p.q) > abs(rr - p.r) AND abs(rq - p.q) > abs(rs + p.q + p.r) THEN rr
                WHEN abs(rr - p.r) > abs(rs + p.q + p.r) THEN -rq - rs ELSE rr END)::integer AS r
        FROM (SELECT $1 AS q, $2 AS r, round($1) AS rq, round($2) AS rr, round(-$1 - $2) AS rs OFFSET 0) p
        OFFSET 0) h
$$;

-- The hexagon of a level that the centre of a finest hexagon lies in.
CREATE FUNCTION hexagon_parent(level integer, fine_i integer, fine_j integer)
RETURNS TABLE (i integer, j integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT h.i, h.j FROM (SELECT hexagon_edge(3) / hexagon_edge($1) AS scale OFFSET 0) s,
        LATERAL hexagon_at(s.scale * $2, s.scale * ($3 - ($2 - abs($2 % 2)) / 2)) h
$$;

CREATE OR REPLACE FUNCTION hexagon_of(level integer, lon float8, lat float8, OUT i integer, OUT j integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p.i, p.j
    FROM (SELECT radians($2) * 6378137.0 AS x, 6378137.0
            * ln(tan(pi() / 4 + radians(greatest(least($3, 85.0), -85.0)) / 2)) AS y OFFSET 0) m,
        LATERAL hexagon_at(x / (1.5 * hexagon_edge(3)), (y / sqrt(3.0) - x / 3.0) / hexagon_edge(3)) h,
        LATERAL hexagon_parent($1, h.i, h.j) p
$$;

-- Count the newest `most` noted days anew; returns how many were counted.
CREATE OR REPLACE FUNCTION refresh_hexagons(most integer DEFAULT 400) RETURNS integer
LANGUAGE plpgsql SET work_mem = '96MB' SET enable_nestloop = off SET jit = off AS $$
DECLARE
    counted integer;
    bounds record;
BEGIN
    -- One at a time: each adds to the totals that the one before it left.
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:hexagons'));
    CREATE TEMPORARY TABLE IF NOT EXISTS hexagon_days
        (jurisdiction_id integer, day date, since timestamptz, until timestamptz) ON COMMIT DROP;
    -- What was counted before, and what is counted now.
    CREATE TEMPORARY TABLE IF NOT EXISTS hexagon_change (jurisdiction_id integer, day date,
        area_id bigint, category_id integer, i integer, j integer, was integer, now integer)
        ON COMMIT DROP;
    -- Which block and place a finest hexagon is in at each level.
    CREATE TEMPORARY TABLE IF NOT EXISTS hexagon_place (i integer, j integer, level integer,
        block_i integer, block_j integer, cell smallint) ON COMMIT DROP;
    TRUNCATE hexagon_days, hexagon_change, hexagon_place;
    WITH taken AS (
        DELETE FROM hexagon_dirty d USING (
            SELECT jurisdiction_id, day FROM hexagon_dirty ORDER BY day DESC LIMIT most) t
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
    SELECT min(since) AS since, max(until) AS until INTO bounds FROM hexagon_days;

    -- The bounds stand in the statement itself, so that it is planned for just so many days. A row
    -- finds its day by the date: comparing with the ends of each would cost as many comparisons
    -- as there are days.
    EXECUTE format($count$
        WITH spots AS (
            SELECT d.jurisdiction_id, d.day, i.category_id, coalesce(i.area_id, 0) AS area_id,
                radians(ST_X(i.geom)) * 6378137.0 AS x,
                6378137.0 * ln(tan(pi() / 4 + radians(
                    greatest(least(ST_Y(i.geom), 85.0), -85.0)) / 2)) AS y
            FROM incident i JOIN feed f USING (feed_id) JOIN jurisdiction j USING (jurisdiction_id)
            JOIN hexagon_days d ON d.jurisdiction_id = j.jurisdiction_id
                AND d.day = (i.occurred_at AT TIME ZONE j.time_zone)::date
            WHERE i.occurred_at >= %1$L AND i.occurred_at < %2$L
            OFFSET 0)
        INSERT INTO hexagon_change
        SELECT jurisdiction_id, day, area_id, category_id, h.i, h.j, 0, count(*)
        FROM spots, LATERAL hexagon_at(x / (1.5 * %3$s), (y / sqrt(3.0) - x / 3.0) / %3$s) h
        GROUP BY jurisdiction_id, day, area_id, category_id, h.i, h.j
        $count$, bounds.since, bounds.until, hexagon_edge(3));
    WITH gone AS (
        DELETE FROM hexagon_area_day h USING hexagon_days d
        WHERE h.jurisdiction_id = d.jurisdiction_id AND h.day = d.day RETURNING h.*)
    INSERT INTO hexagon_change
    SELECT jurisdiction_id, day, area_id, c.category_id, (block_i << 6) + (c.cell >> 6),
        (block_j << 6) + (c.cell & 63), c.n, 0
    FROM gone, unnest(category_ids, cells, counts) AS c (category_id, cell, n);
    ANALYZE hexagon_change (jurisdiction_id, day, area_id, category_id, i, j);
    INSERT INTO hexagon_area_day (block_i, block_j, day, area_id, jurisdiction_id, n, category_ids,
        cells, counts)
    SELECT i >> 6, j >> 6, day, area_id, jurisdiction_id, sum(now), array_agg(category_id),
        array_agg((((i & 63) << 6) | (j & 63))::smallint), array_agg(now)
    FROM hexagon_change WHERE now > 0 GROUP BY i >> 6, j >> 6, day, area_id, jurisdiction_id;
    INSERT INTO hexagon_place
    SELECT c.i, c.j, level, p.i >> 6, p.j >> 6, ((p.i & 63) << 6) | (p.j & 63)
    FROM (SELECT DISTINCT i, j FROM hexagon_change) c, generate_series(0, 3) level,
        LATERAL hexagon_parent(level, c.i, c.j) p;
    ANALYZE hexagon_place;

    DELETE FROM hexagon_day h USING hexagon_days d
    WHERE h.jurisdiction_id = d.jurisdiction_id AND h.day = d.day;
    INSERT INTO hexagon_day (level, block_i, block_j, category_id, day, jurisdiction_id, cells, counts)
    SELECT level, block_i, block_j, category_id, day, jurisdiction_id, array_agg(cell), array_agg(n)
    FROM (
        SELECT level, block_i, block_j, cell, day, jurisdiction_id, sum(now) AS n,
            CASE WHEN grouping(category_id) = 1 THEN 0 ELSE category_id END AS category_id
        FROM hexagon_change JOIN hexagon_place USING (i, j) WHERE now > 0 AND level < 3
        GROUP BY GROUPING SETS (
            (level, block_i, block_j, cell, day, jurisdiction_id, category_id),
            (level, block_i, block_j, cell, day, jurisdiction_id))) sums
    GROUP BY level, block_i, block_j, category_id, day, jurisdiction_id;

    -- What changed goes on to the totals; a row is made anew from its old counts and the change.
    WITH change AS (
        SELECT level, block_i, block_j, cell, sum(n) AS n,
            CASE WHEN grouping(category_id) = 1 THEN 0 ELSE category_id END AS category_id
        FROM (SELECT i, j, category_id, sum(now - was) AS n FROM hexagon_change
            GROUP BY i, j, category_id HAVING sum(now - was) <> 0) c JOIN hexagon_place USING (i, j)
        GROUP BY GROUPING SETS ((level, block_i, block_j, cell, category_id),
            (level, block_i, block_j, cell))
        HAVING sum(n) <> 0
    ), both_times AS (
        SELECT level, block_i, block_j, category_id, cell, n FROM change
        UNION ALL
        SELECT level, block_i, block_j, category_id, c.cell, c.n
        FROM hexagon_total t JOIN (SELECT DISTINCT level, block_i, block_j, category_id FROM change) k
            USING (level, block_i, block_j, category_id), unnest(t.cells, t.counts) AS c (cell, n)
    ), summed AS (
        SELECT level, block_i, block_j, category_id, cell, sum(n) AS n FROM both_times
        GROUP BY level, block_i, block_j, category_id, cell)
    INSERT INTO hexagon_total AS t (level, block_i, block_j, category_id, cells, counts)
    SELECT level, block_i, block_j, category_id,
        coalesce(array_agg(cell) FILTER (WHERE n <> 0), '{}'),
        coalesce(array_agg(n) FILTER (WHERE n <> 0), '{}')
    FROM summed GROUP BY level, block_i, block_j, category_id
    ON CONFLICT (level, block_i, block_j, category_id)
        DO UPDATE SET cells = excluded.cells, counts = excluded.counts;

    WITH change AS (
        SELECT i >> 6 AS block_i, j >> 6 AS block_j, area_id, category_id,
            (((i & 63) << 6) | (j & 63))::smallint AS cell, sum(now - was) AS n
        FROM hexagon_change WHERE area_id <> 0
        GROUP BY i, j, area_id, category_id HAVING sum(now - was) <> 0
    ), both_times AS (
        SELECT block_i, block_j, area_id, category_id, cell, n FROM change
        UNION ALL
        SELECT block_i, block_j, area_id, c.category_id, c.cell, c.n
        FROM hexagon_area_total t JOIN (SELECT DISTINCT block_i, block_j, area_id FROM change) k
            USING (block_i, block_j, area_id),
            unnest(t.category_ids, t.cells, t.counts) AS c (category_id, cell, n)
    ), summed AS (
        SELECT block_i, block_j, area_id, category_id, cell, sum(n) AS n FROM both_times
        GROUP BY block_i, block_j, area_id, category_id, cell)
    INSERT INTO hexagon_area_total AS t (block_i, block_j, area_id, category_ids, cells, counts)
    SELECT block_i, block_j, area_id, coalesce(array_agg(category_id) FILTER (WHERE n <> 0), '{}'),
        coalesce(array_agg(cell) FILTER (WHERE n <> 0), '{}'),
        coalesce(array_agg(n) FILTER (WHERE n <> 0), '{}')
    FROM summed GROUP BY block_i, block_j, area_id
    ON CONFLICT (block_i, block_j, area_id) DO UPDATE SET category_ids = excluded.category_ids,
        cells = excluded.cells, counts = excluded.counts;
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN counted;
END $$;

SELECT protect_rows('hexagon_area_day', 'area'), protect_rows('hexagon_area_total', 'area');
-- Counts over all areas are for those who see all areas, and for nobody else.
DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['hexagon_day', 'hexagon_total'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY operator ON %I TO gridbeat_app USING (true)', target);
        EXECUTE format('CREATE POLICY web ON %I TO gridbeat_web USING ((SELECT sees_all()))', target);
        EXECUTE format('GRANT SELECT ON %I TO gridbeat_web', target);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON hexagon_day, hexagon_total, hexagon_area_day,
    hexagon_area_total TO gridbeat_app;
