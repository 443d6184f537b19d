-- Purpose: one tile of incident counts by hexagon, with the households (h) there, the hours of
--          patrols (p) in the last 28 days and what they found then (finds); null where none are
--          recorded. The counts come from one of the hexagon_counts files: of all time or of days,
--          over all areas or those of the caller.
-- Inputs:  zoom, x, y; level, i0, i1, j0, j1 (hexagons that may touch it), and those of that file.
-- SRID:    3857.
WITH tile AS (SELECT ST_TileEnvelope(%(zoom)s, %(x)s, %(y)s) AS env,
    hexagon_edge(%(level)s) AS edge),
cell AS (
    SELECT i, j, sum(n)::bigint AS n FROM ({counts}) s
    WHERE i BETWEEN %(i0)s AND %(i1)s AND j BETWEEN %(j0)s AND %(j1)s
    GROUP BY i, j),
ground AS (
    SELECT i, j, sum(households)::bigint AS h, round((sum(patrol_s) / 3600)::numeric, 2)::float8 AS p,
        sum(finds)::bigint AS finds
    FROM hexagon_ground
    WHERE level = %(level)s AND i BETWEEN %(i0)s AND %(i1)s AND j BETWEEN %(j0)s AND %(j1)s
    GROUP BY i, j),
shape AS (
    SELECT c.n, g.h, g.p, g.finds, t.env, t.edge,
        ST_Hexagon(t.edge, c.i, c.j, 'SRID=3857;POINT(0 0)'::geometry) AS geom
    FROM cell c LEFT JOIN ground g USING (i, j), tile t),
feature AS (
    SELECT ST_AsMVTGeom(geom, env, 4096, 64, true) AS geom, n, h, p, finds,
        -- Of the ground: Mercator stretches both sides by 1 / cos(latitude).
        round((1.5 * sqrt(3.0) * edge * edge * 1e-6
            / power(cosh(ST_Y(ST_Centroid(geom)) / 6378137.0), 2))::numeric, 4)::float8 AS km2
    FROM shape WHERE geom && env)
SELECT ST_AsMVT(f, 'hexagons') AS tile FROM feature f WHERE geom IS NOT NULL
