-- Purpose: somebody takes an alert upon them; the first one stays named.
-- Inputs:  alert, login, note.
UPDATE alert SET acknowledged_by = %(login)s, acknowledged_at = clock_timestamp(),
    acknowledged_note = %(note)s
WHERE alert_id = %(alert)s AND ended_at IS NULL AND acknowledged_at IS NULL
RETURNING alert_id, title_en
