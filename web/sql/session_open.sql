-- Purpose: make a session, end the browser's former one and those that are over.
-- Index:   pk_web_session, ix_web_session_expires_at.
WITH former AS (
    DELETE FROM web_session
    WHERE session_hash = %(former)s::bytea OR expires_at < now() - interval '1 day'
), touched AS (
    UPDATE account SET signed_in_at = now(),
        password_hash = coalesce(%(digest)s::text, password_hash)
    WHERE account_id = %(account)s AND %(token)s::bigint IS NULL
)
INSERT INTO web_session (session_hash, account_id, api_token_id, expires_at)
VALUES (%(session)s, %(account)s, %(token)s,
        coalesce(%(until)s::timestamptz, now() + %(length)s::interval))
RETURNING expires_at
