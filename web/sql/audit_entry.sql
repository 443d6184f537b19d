-- Purpose: add to the audit log: a draft, which the commit chains with number, moment and digests.
INSERT INTO audit_draft (account_id, actor, action, object, address, details)
VALUES (%(account_id)s, %(actor)s, %(action)s, %(object)s, %(address)s, %(details)s)
