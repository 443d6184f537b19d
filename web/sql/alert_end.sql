-- Purpose: end the open alerts of a kind that are about none of the subjects that still hold.
-- Inputs:  place, kind, subjects. Index: ix_alert_open.
UPDATE alert SET ended_at = clock_timestamp()
WHERE jurisdiction_id = %(place)s AND kind = %(kind)s AND ended_at IS NULL AND subject <> ALL (%(subjects)s::text[])
