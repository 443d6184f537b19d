-- Purpose: find the run that an interruption left: the newest of its source and kind, for the
--          same file, mapping and version of Gridbeat. After another run it would be too late
--          to go on, for rows that were done may have been changed since.
-- Inputs:  feed, kind, digest, mapping, version. Index: ix_import_run_resume.
SELECT import_run_id, rows_done, rows_new, rows_changed, rows_same, rows_no_grid, rows_left_out,
       quarantined
FROM import_run r
WHERE feed_id = %(feed)s AND kind = %(kind)s AND file_sha256 = %(digest)s
  AND status <> 'finished' AND mapping = %(mapping)s AND code_version = %(version)s
  AND import_run_id = (SELECT max(import_run_id) FROM import_run n
                       WHERE n.feed_id = r.feed_id AND n.kind = r.kind)
