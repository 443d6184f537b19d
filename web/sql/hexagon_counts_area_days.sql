-- Purpose: counts of days in the caller's areas, by hexagon: whole months from their own rows, the
--          days before and after them one by one. Part of tile_hexagons.
-- Inputs:  level; bi0, bi1, bj0, bj1 (blocks of finest hexagons); classes or null; since, until
--          (days, the last one out), first_month, end_month (first days of the first whole month and
--          of the one after the last).
-- Index:   pk_hexagon_area_month; pk_hexagon_area_day, or ix_hexagon_area_day_day where the tile is
--          large.
SELECT p.i, p.j, f.n
FROM (
    SELECT (t.block_i << 6) + (c.cell >> 6) AS i, (t.block_j << 6) + (c.cell & 63) AS j, sum(c.n) AS n
    FROM (
        SELECT block_i, block_j, category_ids, cells, counts FROM hexagon_area_month
        WHERE block_i BETWEEN %(bi0)s AND %(bi1)s AND block_j BETWEEN %(bj0)s AND %(bj1)s
            AND month >= %(first_month)s::date AND month < %(end_month)s::date
        UNION ALL
        SELECT block_i, block_j, category_ids, cells, counts FROM hexagon_area_day
        WHERE block_i BETWEEN %(bi0)s AND %(bi1)s AND block_j BETWEEN %(bj0)s AND %(bj1)s
            AND day >= %(since)s::date AND day < %(first_month)s::date
        UNION ALL
        SELECT block_i, block_j, category_ids, cells, counts FROM hexagon_area_day
        WHERE block_i BETWEEN %(bi0)s AND %(bi1)s AND block_j BETWEEN %(bj0)s AND %(bj1)s
            AND day >= %(end_month)s::date AND day < %(until)s::date) t,
        unnest(t.category_ids, t.cells, t.counts) AS c (category_id, cell, n)
    WHERE %(classes)s::int[] IS NULL OR c.category_id = ANY (%(classes)s::int[])
    GROUP BY 1, 2) f, hexagon_parent(%(level)s, f.i, f.j) p
