-- Purpose: incidents by local day and hour, for today's count and the profile of earlier weeks.
-- Inputs:  place, zone, since, until (moments). Index: pk_incident.
SELECT (i.occurred_at AT TIME ZONE %(zone)s)::date AS day,
    extract(hour FROM i.occurred_at AT TIME ZONE %(zone)s)::int AS hour,
    count(*) FILTER (WHERE i.found_by = ANY (%(reported)s))::int AS reported, count(*)::int AS n
FROM incident i JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = %(place)s AND i.occurred_at >= %(since)s AND i.occurred_at < %(until)s
GROUP BY 1, 2
