-- Purpose: keep the new digest and end every session of the account but those of wall screens.
WITH ended AS (
    DELETE FROM web_session WHERE account_id = %(account)s AND api_token_id IS NULL
)
UPDATE account SET password_hash = %(digest)s, must_change = false
WHERE account_id = %(account)s RETURNING account_id
