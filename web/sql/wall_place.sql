-- Purpose: the jurisdiction that a wall shows, its newest incident, the last event of the log,
--          and when alerts were last looked for.
-- Inputs:  code, or null for the first one; now. SRID 4326. Index: pk_incident (occurred_at first).
SELECT j.jurisdiction_id, j.code, j.name, j.name_en, j.time_zone, j.metric_srid, j.simulated,
    j.map_approval_no, j.map_audience,
    ARRAY[ST_XMin(b.box), ST_YMin(b.box), ST_XMax(b.box), ST_YMax(b.box)]::float8[] AS bounds,
    (SELECT i.occurred_at FROM incident i
        WHERE i.feed_id = ANY (ARRAY(SELECT feed_id FROM feed f WHERE f.jurisdiction_id = j.jurisdiction_id))
            AND i.occurred_at <= %(now)s
        ORDER BY i.occurred_at DESC LIMIT 1) AS last_incident_at,
    (SELECT i.occurred_at FROM incident i
        WHERE i.feed_id = ANY (ARRAY(SELECT feed_id FROM feed f WHERE f.jurisdiction_id = j.jurisdiction_id))
        ORDER BY i.occurred_at LIMIT 1) AS first_incident_at,
    (SELECT coalesce(max(event_id), 0) FROM live_event) AS last_event,
    (SELECT w.watched_at FROM alert_watch w WHERE w.jurisdiction_id = j.jurisdiction_id) AS watched_at
FROM jurisdiction j
CROSS JOIN LATERAL (SELECT coalesce((SELECT ST_Extent(geom) FROM area a
    WHERE a.jurisdiction_id = j.jurisdiction_id AND a.level = 'grid'), j.geom::box2d) AS box) b
WHERE %(code)s::text IS NULL OR j.code = %(code)s
ORDER BY j.jurisdiction_id LIMIT 1
