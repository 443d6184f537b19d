-- Purpose: addresses of earlier reports that a person placed and filed, alike to the one asked for.
-- Inputs:  asked, least, most. EPSG:4326; the newest report of an address says where it is.
-- Index:   ix_report_address (trigrams), where the database lets row security pass it.
SELECT address AS name, max(match_name(compared_name(address), %(asked)s))::float8 AS alike, count(*)::int AS reports,
    ST_X((array_agg(geom ORDER BY received_at DESC))[1]) AS lon,
    ST_Y((array_agg(geom ORDER BY received_at DESC))[1]) AS lat
FROM report
WHERE case_id IS NOT NULL AND geom IS NOT NULL AND address IS NOT NULL
    AND coalesce(accuracy_m, 0) <= 50
    AND (address %% %(asked)s OR address %%> %(asked)s) AND match_name(compared_name(address), %(asked)s) >= %(least)s
GROUP BY address ORDER BY alike DESC, reports DESC, address LIMIT %(most)s
