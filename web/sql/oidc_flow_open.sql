-- Purpose: keep a sign-in that is under way, and clear away those that are over.
-- Index:   ix_oidc_flow_expires_at.
WITH over AS (DELETE FROM oidc_flow WHERE expires_at < now())
INSERT INTO oidc_flow (flow_hash, nonce, code_verifier, return_to, expires_at)
VALUES (%(flow)s, %(nonce)s, %(verifier)s, %(to)s, now() + %(length)s * interval '1 second')
RETURNING expires_at
