-- Purpose: note that alerts of a jurisdiction were looked for just now.
-- Inputs:  place, now. Index: pk_alert_watch.
INSERT INTO alert_watch (jurisdiction_id, watched_at) VALUES (%(place)s, %(now)s)
ON CONFLICT (jurisdiction_id) DO UPDATE SET watched_at = EXCLUDED.watched_at
