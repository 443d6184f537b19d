-- Purpose: incidents as Open311 requests, newest first. Index: ix_incident_time; by number
--          through uq_incident_key_incident_id, which gives the time and so the partition.
--          A merged case stands as the case does that it became part of: that answers its caller.
WITH wanted AS (
    SELECT incident_id, occurred_at FROM incident_key
    WHERE %(numbers)s::bigint[] IS NOT NULL AND incident_id = ANY (%(numbers)s::bigint[])
), span AS (
    SELECT greatest(%(since)s::timestamptz, (SELECT min(occurred_at) FROM wanted)) AS since,
           least(%(until)s::timestamptz, (SELECT max(occurred_at) FROM wanted)) AS until
)
SELECT json_build_object(
    'service_request_id', i.incident_id::text,
    'status', CASE WHEN coalesce(e.state, f.state) IN ('closed', 'rejected', 'void', 'merged')
              THEN 'closed' ELSE 'open' END,
    'service_code', i.category_id::text,
    'service_name', CASE %(lang)s WHEN 'en' THEN c.name_en ELSE c.name END,
    'description', coalesce(f.words, i.attributes ->> 'description'),
    'requested_datetime', coalesce(i.reported_at, i.occurred_at),
    'updated_datetime', coalesce(e.last_at, f.last_at, i.reported_at, i.occurred_at),
    'lat', ST_Y(i.geom), 'long', ST_X(i.geom))
FROM incident i JOIN category c USING (category_id)
LEFT JOIN feed s ON s.feed_id = i.feed_id AND s.source = 'gridbeat-cases'
LEFT JOIN case_file f ON f.jurisdiction_id = s.jurisdiction_id AND f.number = i.source_ref
LEFT JOIN LATERAL (
    WITH RECURSIVE part AS (
        SELECT n.state, n.merged_into, n.last_at FROM case_file n WHERE n.case_id = f.merged_into
        UNION ALL
        SELECT n.state, n.merged_into, n.last_at FROM part p
        JOIN case_file n ON n.case_id = p.merged_into WHERE p.state = 'merged')
    SELECT p.state, p.last_at FROM part p WHERE p.state <> 'merged' LIMIT 1
) e ON f.state = 'merged'
WHERE i.occurred_at >= (SELECT since FROM span) AND i.occurred_at <= (SELECT until FROM span)
  AND (%(numbers)s::bigint[] IS NULL OR i.incident_id = ANY (%(numbers)s::bigint[]))
  AND (%(codes)s::integer[] IS NULL OR i.category_id = ANY (%(codes)s::integer[]))
  AND (%(status)s::text[] IS NULL OR CASE
       WHEN coalesce(e.state, f.state) IN ('closed', 'rejected', 'void', 'merged') THEN 'closed' ELSE 'open'
       END = ANY (%(status)s::text[]))
ORDER BY i.occurred_at DESC, i.incident_id DESC LIMIT 1000
