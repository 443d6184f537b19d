-- Purpose: find which staged incidents are known, and whether they say the same as before.
-- Inputs:  feed, run. Index: pk_incident_key; no partition is read.
INSERT INTO stage_known (row_no, record_id, occurred_at, same, this_run)
SELECT s.row_no, k.incident_id, k.occurred_at, k.content_hash = s.content_hash,
       k.last_run_id IS NOT DISTINCT FROM %(run)s
FROM stage_incident s
JOIN incident_key k ON k.feed_id = %(feed)s AND k.source_ref = s.source_ref
