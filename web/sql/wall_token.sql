-- Purpose: the wall token of a digest, if it holds. Index: uq_api_token_token_hash.
SELECT t.api_token_id, t.account_id, a.login, t.screen, t.expires_at
FROM api_token t JOIN account a USING (account_id)
WHERE t.token_hash = %(digest)s AND t.kind = 'wall' AND t.revoked_at IS NULL
  AND t.expires_at > now() AND a.disabled_at IS NULL AND NOT a.must_change
