-- Purpose: single incidents of a span, newest first, for ageing points and the play over hours.
-- Inputs:  place, since, until (moments), most. Index: pk_incident.
SELECT i.incident_id, ST_X(i.geom), ST_Y(i.geom), extract(epoch FROM i.occurred_at)::bigint,
    i.category_id, i.found_by
FROM incident i JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = %(place)s AND i.occurred_at > %(since)s AND i.occurred_at <= %(until)s
ORDER BY i.occurred_at DESC, i.incident_id DESC LIMIT %(most)s + 1
