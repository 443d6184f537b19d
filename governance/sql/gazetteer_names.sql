-- Purpose: what an address may name: areas, stations, named buildings and waters, roads; the best
--          of them with how alike the name is, and one point of each.
-- Inputs:  asked (as names are compared), least (alikeness), most. EPSG:4326; rows that the
--          account may not see are left out by row security. Names are few: no index is needed.
WITH named AS (
    SELECT 'area' AS kind, a.name, a.name_en, a.code AS detail, a.area_id, NULL::bigint AS id
    FROM area a WHERE a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
    UNION ALL
    SELECT 'area', a.code, NULL, a.name, a.area_id, NULL FROM area a
    WHERE a.code = %(asked)s AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
    UNION ALL
    SELECT 'station', s.name, s.attributes ->> 'name_en', s.address, NULL, s.station_id
    FROM station s
    UNION ALL
    SELECT 'building', b.name, b.attributes ->> 'name_en', NULL, NULL, b.building_id
    FROM building b WHERE b.name IS NOT NULL
    UNION ALL
    SELECT 'water', w.name, w.attributes ->> 'name_en', NULL, NULL, w.water_id
    FROM water w WHERE w.name IS NOT NULL
    UNION ALL
    SELECT 'road', r.name, r.attributes ->> 'name_en', NULL, NULL, NULL
    FROM road r WHERE r.name IS NOT NULL GROUP BY r.name, r.attributes ->> 'name_en'),
plain AS MATERIALIZED (SELECT n.*, compared_name(name) AS zh, compared_name(name_en) AS en FROM named n),
alike AS (
    SELECT p.*, greatest(match_name(zh, %(asked)s), match_name(en, %(asked)s)) AS alike FROM plain p),
best AS (
    SELECT * FROM alike WHERE alike >= %(least)s ORDER BY alike DESC, length(name), name LIMIT %(most)s)
SELECT b.kind, b.name, b.name_en, b.detail, b.area_id, b.alike::float8 AS alike,
    ST_X(p.point) AS lon, ST_Y(p.point) AS lat
FROM best b, LATERAL (SELECT CASE b.kind
    WHEN 'area' THEN (SELECT ST_PointOnSurface(geom) FROM area WHERE area_id = b.area_id)
    WHEN 'station' THEN (SELECT geom FROM station WHERE station_id = b.id)
    WHEN 'building' THEN (SELECT ST_PointOnSurface(geom) FROM building WHERE building_id = b.id)
    WHEN 'water' THEN (SELECT ST_PointOnSurface(geom) FROM water WHERE water_id = b.id)
    ELSE (SELECT ST_LineInterpolatePoint(geom, 0.5) FROM road WHERE name = b.name
          ORDER BY ST_Length(geom) DESC, road_id LIMIT 1)
    END AS point) p
ORDER BY b.alike DESC, length(b.name), b.name
