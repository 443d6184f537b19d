-- Purpose: what is needed to check a password. Index: uq_account_login.
SELECT account_id, password_hash, disabled_at IS NOT NULL FROM account WHERE login = %(login)s
