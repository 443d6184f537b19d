-- Purpose: add to the audit log; the trigger gives number, moment and digests.
INSERT INTO audit_entry (account_id, actor, action, object, address, details)
VALUES (%(account_id)s, %(actor)s, %(action)s, %(object)s, %(address)s, %(details)s)
