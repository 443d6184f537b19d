-- Purpose: a page of the log, newest first. Index: pk_audit_entry, backwards.
SELECT json_build_object(
    'seq', seq, 'at', at, 'actor', actor, 'action', action, 'object', object,
    'address', address, 'details', details, 'hash', encode(hash, 'hex'))
FROM audit_entry
WHERE (%(before)s::bigint IS NULL OR seq < %(before)s)
  AND (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(action)s::text IS NULL OR action = %(action)s)
ORDER BY seq DESC LIMIT %(limit)s
