-- Purpose: places by words: grids and communities, stations, roads, addresses of earlier reports.
-- Inputs:  like (a pattern, escaped), words, most. One row a name and kind; EPSG:4326.
--          Names that begin with the words come first, then the shorter ones.
WITH found AS (
    SELECT 'area' AS kind, a.name AS name, a.code AS detail, a.area_id,
           ST_PointOnSurface(a.geom) AS point
    FROM area a
    WHERE (a.name ILIKE %(like)s OR a.code ILIKE %(like)s)
      AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
    UNION ALL
    SELECT 'station', s.name, s.address, NULL, s.geom FROM station s
    WHERE s.name ILIKE %(like)s OR s.address ILIKE %(like)s
    UNION ALL
    SELECT 'road', r.name, NULL, NULL, ST_LineInterpolatePoint(
        (array_agg(r.geom ORDER BY ST_Length(r.geom) DESC))[1], 0.5)
    FROM road r WHERE r.name ILIKE %(like)s GROUP BY r.name
    UNION ALL
    SELECT 'address', p.address, NULL, NULL, (array_agg(p.geom ORDER BY p.received_at DESC))[1]
    FROM report p WHERE p.address ILIKE %(like)s AND p.geom IS NOT NULL GROUP BY p.address
)
SELECT kind, name, detail, area_id, ST_X(point) AS lon, ST_Y(point) AS lat
FROM found
ORDER BY NOT starts_with(lower(name), lower(%(words)s)), kind <> 'area', length(name), name
LIMIT %(most)s
