-- Purpose: counts of days over all areas, by hexagon of level 0 to 2. Part of tile_hexagons.
-- Inputs:  level, i0, i1, j0, j1; classes, since, until (days, the last one out) or null.
-- Index:   pk_hexagon_day: the days of a block and class lie together.
SELECT (t.block_i << 6) + (c.cell >> 6) AS i, (t.block_j << 6) + (c.cell & 63) AS j, c.n
FROM generate_series(%(i0)s::int >> 6, %(i1)s::int >> 6) bi,
    generate_series(%(j0)s::int >> 6, %(j1)s::int >> 6) bj,
    unnest(coalesce(%(classes)s::int[], ARRAY[0])) k
JOIN hexagon_day t ON true, unnest(t.cells, t.counts) AS c (cell, n)
WHERE (t.level, t.block_i, t.block_j, t.category_id) = (%(level)s, bi, bj, k)
    AND t.day >= coalesce(%(since)s::date, '-infinity') AND t.day < coalesce(%(until)s::date, 'infinity')
