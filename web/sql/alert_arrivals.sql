-- Purpose: how many incidents came in live in the last two weeks, and when the last one did.
-- Inputs:  place, now. Index: ix_live_event_at.
SELECT count(*)::int AS n, max(at) AS last_at FROM live_event
WHERE jurisdiction_id = %(place)s AND kind = 'incident' AND at > %(now)s::timestamptz - interval '14 days'
    AND at <= %(now)s
