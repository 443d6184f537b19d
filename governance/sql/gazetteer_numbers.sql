-- Purpose: the address points of some streets whose number is nearest to the one asked for.
-- Inputs:  streets (names), number, most (of each street). EPSG:4326. Address points are those of
--          households and of stations.
SELECT r.street, h.number, h.lon, h.lat
FROM unnest(%(streets)s::text[]) AS r (street), LATERAL (
    SELECT n.number, ST_X(p.geom) AS lon, ST_Y(p.geom) AS lat
    FROM (SELECT address, geom FROM household_point WHERE starts_with(address, r.street)
          UNION ALL
          SELECT address, geom FROM station WHERE starts_with(address, r.street)) p,
        LATERAL (SELECT substring(substr(p.address, length(r.street) + 1)
                                  FROM '^\s*(?:No\.?\s*)?(\d{1,5})')::int AS number) n
    WHERE n.number IS NOT NULL
    ORDER BY abs(n.number - %(number)s), n.number LIMIT %(most)s) h
