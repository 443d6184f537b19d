-- Purpose: who a session's digest belongs to; notes once a minute that it was seen.
-- Index:   pk_web_session. Idle and absolute ends are checked here, by the database's clock.
WITH live AS (
    SELECT s.session_hash, s.account_id, s.seen_at, t.screen, t.permissions
    FROM web_session s LEFT JOIN api_token t USING (api_token_id)
    WHERE s.session_hash = %(digest)s AND s.expires_at > now()
      AND (s.api_token_id IS NOT NULL OR s.seen_at > now() - %(idle)s::interval)
      AND (s.api_token_id IS NULL OR (t.revoked_at IS NULL AND t.expires_at > now()))
), seen AS (
    UPDATE web_session SET seen_at = now()
    FROM live WHERE web_session.session_hash = live.session_hash
      AND live.seen_at < now() - interval '1 minute'
), granted AS (
    SELECT coalesce(array_agg(area_id), '{}') AS roots FROM account_area
    WHERE account_id = (SELECT account_id FROM live)
)
SELECT a.account_id, a.login, a.name,
       ARRAY(SELECT role FROM account_role r WHERE r.account_id = a.account_id ORDER BY role),
       a.all_areas, g.roots, areas_under(g.roots), a.must_change, live.screen, live.permissions
FROM live JOIN account a USING (account_id) CROSS JOIN granted g
WHERE a.disabled_at IS NULL
