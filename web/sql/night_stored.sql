-- Purpose: the newest result of a kind over the same incidents and by this version, if no incident
--          came in since it was made.
-- Index:   primary keys; a jurisdiction has some hundred results and import runs.
SELECT max(r.result_run_id) FROM result_run r
WHERE r.jurisdiction_id = %(place)s AND r.kind = %(kind)s AND r.unit = %(unit)s
  AND r.code_version = %(version)s AND r.parameters #> '{request,classes}' = 'null'::jsonb
  AND r.parameters #>> '{request,end}' = %(end)s
  AND (%(kind)s = 'forecast' OR r.parameters #>> '{request,start}' = %(start)s)
  AND NOT EXISTS (
    SELECT FROM import_run i JOIN feed f USING (feed_id)
    WHERE f.jurisdiction_id = r.jurisdiction_id AND i.kind = 'incidents'
      AND coalesce(i.finished_at, now()) >= r.created_at)
  AND NOT EXISTS (
    SELECT FROM live_event e
    WHERE e.jurisdiction_id = r.jurisdiction_id AND e.kind = 'incident' AND e.at >= r.created_at)
