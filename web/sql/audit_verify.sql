-- Purpose: recompute the chain; the first entry that does not fit, and the newest as an anchor.
-- Inputs:  seq and hash of an anchor that was kept elsewhere; seq 0 for none.
-- Index:   pk_audit_entry, in order.
WITH chain AS (
    SELECT e.seq, e.hash, e.prev_hash, audit_digest(e) AS digest,
           lag(e.hash, 1, sha256('gridbeat')) OVER (ORDER BY e.seq) AS before,
           row_number() OVER (ORDER BY e.seq) AS place
    FROM audit_entry e
), faults AS (
    SELECT seq, CASE
        WHEN seq <> place THEN 'an entry before it is missing'
        WHEN prev_hash <> before THEN 'it does not follow from the entry before it'
        WHEN hash <> digest THEN 'it was changed'
        WHEN seq = %(seq)s AND hash <> %(hash)s THEN 'it is not the entry of the anchor'
        END AS reason
    FROM chain
    UNION ALL
    SELECT %(seq)s, 'the entry of the anchor is missing'
    WHERE %(seq)s > 0 AND NOT EXISTS (SELECT FROM chain WHERE seq = %(seq)s)
), first AS (
    SELECT seq, reason FROM faults WHERE reason IS NOT NULL ORDER BY seq LIMIT 1
)
SELECT (SELECT count(*) FROM chain) AS entries, (SELECT seq FROM first) AS broken_at,
       (SELECT reason FROM first) AS reason,
       coalesce((SELECT max(seq) FROM chain), 0) AS last_seq,
       coalesce((SELECT encode(hash, 'hex') FROM chain ORDER BY seq DESC LIMIT 1), '') AS last_hash
