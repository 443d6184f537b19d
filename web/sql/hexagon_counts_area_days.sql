-- Purpose: counts of days in the caller's areas, by hexagon. Part of tile_hexagons.
-- Inputs:  level; bi0, bi1, bj0, bj1 (blocks of finest hexagons); classes, since, until (days, the
--          last one out) or null.
-- Index:   pk_hexagon_area_day, or ix_hexagon_area_day_day where the tile is large.
SELECT p.i, p.j, f.n
FROM (
    SELECT (t.block_i << 6) + (c.cell >> 6) AS i, (t.block_j << 6) + (c.cell & 63) AS j, sum(c.n) AS n
    FROM hexagon_area_day t, unnest(t.category_ids, t.cells, t.counts) AS c (category_id, cell, n)
    WHERE t.block_i BETWEEN %(bi0)s AND %(bi1)s AND t.block_j BETWEEN %(bj0)s AND %(bj1)s
        AND t.day >= coalesce(%(since)s::date, '-infinity')
        AND t.day < coalesce(%(until)s::date, 'infinity')
        AND (%(classes)s::int[] IS NULL OR c.category_id = ANY (%(classes)s::int[]))
    GROUP BY 1, 2) f, hexagon_parent(%(level)s, f.i, f.j) p
