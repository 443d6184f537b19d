-- Purpose: keep a bad row; the same row of the same file is kept once. An earlier open copy
--          stays open and learns its reason anew; one that this run tried to resolve is open again.
-- Inputs:  one row's values. Index: uq_quarantine_feed_id_kind_source_ref_row_hash.
INSERT INTO quarantine
    (feed_id, import_run_id, kind, source_ref, row_hash, row_no, field, value, reason, raw)
VALUES (%(feed)s, %(run)s, %(kind)s, %(source_ref)s, %(row_hash)s, %(row_no)s, %(field)s,
        %(value)s, %(reason)s, %(raw)s)
ON CONFLICT (feed_id, kind, source_ref, row_hash) DO UPDATE
SET status = 'open', reason = excluded.reason, field = excluded.field, value = excluded.value,
    resolved_by_run_id = NULL
WHERE quarantine.status <> 'open' OR quarantine.reason <> excluded.reason
