-- Purpose: take a sign-in under way, once. Index: pk_oidc_flow.
DELETE FROM oidc_flow WHERE flow_hash = %(flow)s AND expires_at > now()
RETURNING nonce, code_verifier, return_to
