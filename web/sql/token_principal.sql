-- Purpose: who an API token's digest belongs to; notes once a minute that it was used.
-- Index:   uq_api_token_token_hash.
WITH live AS (
    SELECT api_token_id, account_id, used_at, screen, permissions FROM api_token
    WHERE token_hash = %(digest)s AND revoked_at IS NULL AND expires_at > now()
), used AS (
    UPDATE api_token SET used_at = now()
    FROM live WHERE api_token.api_token_id = live.api_token_id
      AND coalesce(live.used_at < now() - interval '1 minute', true)
), granted AS (
    SELECT coalesce(array_agg(area_id), '{}') AS roots FROM account_area
    WHERE account_id = (SELECT account_id FROM live)
)
SELECT a.account_id, a.login, a.name,
       ARRAY(SELECT role FROM account_role r WHERE r.account_id = a.account_id ORDER BY role),
       a.all_areas, g.roots, areas_under(g.roots), false, live.screen, live.permissions
FROM live JOIN account a USING (account_id) CROSS JOIN granted g
WHERE a.disabled_at IS NULL AND NOT a.must_change
