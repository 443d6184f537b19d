-- Purpose: where two named roads meet: within about 20 m, one row a pair of names and place.
-- Inputs:  first, other (as names are compared), least, most. EPSG:4326. Index: idx_road_geom.
WITH plain AS MATERIALIZED (
    SELECT name, name_en, compared_name(name) AS zh, compared_name(name_en) AS en
    FROM (SELECT DISTINCT name, attributes ->> 'name_en' AS name_en FROM road WHERE name IS NOT NULL) r),
alike AS (
    SELECT p.*, greatest(match_name(zh, %(first)s), match_name(en, %(first)s)) AS to_first,
        greatest(match_name(zh, %(other)s), match_name(en, %(other)s)) AS to_other
    FROM plain p),
one AS MATERIALIZED (
    SELECT a.name, a.name_en, a.to_first AS alike, r.geom FROM alike a JOIN road r USING (name)
    WHERE a.to_first >= %(least)s),
other AS MATERIALIZED (
    SELECT a.name, a.name_en, a.to_other AS alike, r.geom FROM alike a JOIN road r USING (name)
    WHERE a.to_other >= %(least)s),
met AS (
    SELECT o.name AS first, t.name AS second, o.name_en AS first_en, t.name_en AS second_en,
        least(o.alike, t.alike) AS alike, ST_ClosestPoint(o.geom, t.geom) AS point
    FROM one o JOIN other t ON o.name <> t.name AND o.geom && ST_Expand(t.geom, 0.0002)
        AND ST_DWithin(o.geom, t.geom, 0.0002))
SELECT first, second, first_en, second_en, alike::float8 AS alike, avg(ST_X(point)) AS lon,
    avg(ST_Y(point)) AS lat
FROM met
GROUP BY first, second, first_en, second_en, alike, round(ST_X(point)::numeric, 3), round(ST_Y(point)::numeric, 3)
ORDER BY alike DESC, first, second LIMIT %(most)s
