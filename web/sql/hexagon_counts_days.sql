-- Purpose: counts of days over all areas, by hexagon of level 0 to 2: whole months from their own
--          rows, the days before and after them one by one. Part of tile_hexagons.
-- Inputs:  level, i0, i1, j0, j1; classes or null; since, until (days, the last one out),
--          first_month, end_month (first days of the first whole month and of the one after the last).
-- Index:   pk_hexagon_month, pk_hexagon_day: the days of a block and class lie together.
SELECT (bi << 6) + (c.cell >> 6) AS i, (bj << 6) + (c.cell & 63) AS j, c.n
FROM generate_series(%(i0)s::int >> 6, %(i1)s::int >> 6) bi,
    generate_series(%(j0)s::int >> 6, %(j1)s::int >> 6) bj,
    unnest(coalesce(%(classes)s::int[], ARRAY[0])) k,
    LATERAL (
        SELECT m.cells, m.counts FROM hexagon_month m
        WHERE (m.level, m.block_i, m.block_j, m.category_id) = (%(level)s, bi, bj, k)
            AND m.month >= %(first_month)s::date AND m.month < %(end_month)s::date
        UNION ALL
        SELECT d.cells, d.counts FROM hexagon_day d
        WHERE (d.level, d.block_i, d.block_j, d.category_id) = (%(level)s, bi, bj, k)
            AND d.day >= %(since)s::date AND d.day < %(first_month)s::date
        UNION ALL
        SELECT d.cells, d.counts FROM hexagon_day d
        WHERE (d.level, d.block_i, d.block_j, d.category_id) = (%(level)s, bi, bj, k)
            AND d.day >= %(end_month)s::date AND d.day < %(until)s::date) t,
    unnest(t.cells, t.counts) AS c (cell, n)
