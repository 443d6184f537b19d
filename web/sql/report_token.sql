-- Purpose: the number of a report by its token; reports are of the last months.
-- Index:   ix_incident_time.
SELECT i.incident_id FROM incident i JOIN feed f USING (feed_id)
WHERE f.source = 'open311' AND i.source_ref = %(token)s
  AND i.occurred_at > now() - interval '90 days' LIMIT 1
