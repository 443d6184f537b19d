-- Purpose: hexagon_of as 0013 made it, and the rows of the old tables behind their wall.

-- The hexagon of a point: column and row as ST_Hexagon numbers them, by rounding axial coordinates.
CREATE OR REPLACE FUNCTION hexagon_of(level integer, lon float8, lat float8, OUT i integer, OUT j integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH axial AS (
        SELECT radians(lon) * 6378137.0 / (1.5 * hexagon_edge(level)) AS q,
            (6378137.0 * ln(tan(pi() / 4 + radians(greatest(least(lat, 85.0), -85.0)) / 2)) / sqrt(3.0)
                - radians(lon) * 6378137.0 / 3.0) / hexagon_edge(level) AS r
    ), rounded AS (
        SELECT q, r, round(q) AS rq, round(r) AS rr, round(-q - r) AS rs FROM axial
    ), cell AS (
        SELECT (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r)
                THEN -rr - rs ELSE rq END)::integer AS q,
            (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r) THEN rr
                WHEN abs(rr - r) > abs(rs + q + r) THEN -rq - rs ELSE rr END)::integer AS r
        FROM rounded
    )
    SELECT q, r + (q - abs(q % 2)) / 2 FROM cell
$$;

DROP FUNCTION hexagon_parent(integer, integer, integer), hexagon_at(float8, float8);
SELECT protect_rows('hexagon_day', 'area'), protect_rows('hexagon_total', 'area');
GRANT SELECT, INSERT, UPDATE, DELETE ON hexagon_day, hexagon_total TO gridbeat_app;
