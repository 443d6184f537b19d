-- Purpose: one tile of single incidents; those that coincide are one point with their number.
--          A tile that holds more than `most` says how many it left out, in a layer of its own.
-- Inputs:  zoom, x, y; classes, since, until (days, the last one out) or null; most.
--          Days are those of the jurisdiction that the tile lies in.
-- SRID:    rows are found in 4326 by idx_incident_geom, drawn in 3857.
WITH tile AS (
    SELECT e AS env, ST_Transform(ST_Expand(e, (ST_XMax(e) - ST_XMin(e)) / 64), 4326) AS box
    FROM ST_TileEnvelope(%(zoom)s, %(x)s, %(y)s) e),
here AS (
    SELECT coalesce(max(j.time_zone), 'UTC') AS zone FROM tile t JOIN jurisdiction j ON j.geom && t.box),
found AS MATERIALIZED (
    SELECT i.geom, i.occurred_at, i.incident_id, i.category_id, i.found_by, count(*) OVER () AS all_n
    FROM tile t JOIN incident i ON i.geom && t.box
    WHERE (%(classes)s::int[] IS NULL OR i.category_id = ANY (%(classes)s::int[]))
        AND i.occurred_at >= coalesce(
            %(since)s::date::timestamp AT TIME ZONE (SELECT zone FROM here), '-infinity')
        AND i.occurred_at < coalesce(
            %(until)s::date::timestamp AT TIME ZONE (SELECT zone FROM here), 'infinity')
    ORDER BY i.occurred_at DESC LIMIT %(most)s),
spot AS (
    SELECT geom, count(*) AS n, max(incident_id) AS id, max(category_id) AS category_id,
        extract(epoch FROM max(occurred_at))::bigint AS t, max(found_by) AS found_by
    FROM found GROUP BY geom),
feature AS (
    SELECT ST_AsMVTGeom(ST_Transform(s.geom, 3857), t.env, 4096, 64, true) AS geom,
        s.n, s.id, s.category_id AS c, s.t, s.found_by AS f
    FROM spot s, tile t),
left_out AS (
    SELECT ST_AsMVTGeom(ST_Centroid(t.env), t.env, 4096, 0, false) AS geom, c.n
    FROM tile t, (SELECT coalesce(max(all_n), 0) - count(*) AS n FROM found) c WHERE c.n > 0)
SELECT coalesce((SELECT ST_AsMVT(feature, 'incidents') FROM feature WHERE geom IS NOT NULL), ''::bytea)
    || coalesce((SELECT ST_AsMVT(left_out, 'left_out') FROM left_out), ''::bytea) AS tile
