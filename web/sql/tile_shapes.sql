-- Purpose: one tile of a table's shapes, with the properties that its layer names.
-- Inputs:  zoom, x, y, most, and what the layer's own SQL asks for. {columns}, {source}, {shape} and
--          {condition} come from the table of layers in web/tiles/layers.py, never from a request.
-- SRID:    rows are found in 4326 by the GiST index of their geometry, drawn in 3857, simplified to
--          a quarter of a pixel of the zoom.
--          Heights go first: ST_AsMVTGeom fails on a line with Z that leaves the tile and returns.
WITH tile AS (
    SELECT e AS env, ST_Transform(ST_Expand(e, (ST_XMax(e) - ST_XMin(e)) / 64), 4326) AS box
    FROM ST_TileEnvelope(%(zoom)s, %(x)s, %(y)s) e),
found AS MATERIALIZED (
    SELECT ST_Simplify(ST_Force2D({shape}), 90.0 / 512 / (1 << %(zoom)s), true) AS shape, {columns}
    FROM tile, {source} WHERE s.geom && tile.box AND {condition} LIMIT %(most)s + 1),
feature AS (
    SELECT ST_AsMVTGeom(ST_Transform(f.shape, 3857), t.env, 4096, 64, true) AS geom, f.*
    FROM (SELECT * FROM found LIMIT %(most)s) f, tile t),
left_out AS (
    SELECT ST_AsMVTGeom(ST_Centroid(t.env), t.env, 4096, 0, false) AS geom, true AS more
    FROM tile t WHERE (SELECT count(*) FROM found) > %(most)s)
SELECT coalesce((SELECT ST_AsMVT(f, %(layer)s, 4096, 'geom') FROM
    (SELECT {names} FROM feature WHERE geom IS NOT NULL) f), ''::bytea)
    || coalesce((SELECT ST_AsMVT(left_out, 'left_out') FROM left_out), ''::bytea) AS tile
