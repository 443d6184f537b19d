-- Purpose: counts of all time over all areas, by hexagon. Part of tile_hexagons.
-- Inputs:  level, i0, i1, j0, j1; classes or null. Index: pk_hexagon_total.
SELECT (t.block_i << 6) + (c.cell >> 6) AS i, (t.block_j << 6) + (c.cell & 63) AS j, c.n
FROM generate_series(%(i0)s::int >> 6, %(i1)s::int >> 6) bi,
    generate_series(%(j0)s::int >> 6, %(j1)s::int >> 6) bj,
    unnest(coalesce(%(classes)s::int[], ARRAY[0])) k
JOIN hexagon_total t ON true, unnest(t.cells, t.counts) AS c (cell, n)
WHERE (t.level, t.block_i, t.block_j, t.category_id) = (%(level)s, bi, bj, k)
