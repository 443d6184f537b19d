-- Purpose: take in the staged incidents that are not known yet.
-- Inputs:  feed, run. SRID 4326 for geom. Index: pk_incident_key, through stage_known.
INSERT INTO incident (
    feed_id, source_ref, occurred_at, occurred_until, time_precision, reported_at, category_id,
    found_by, geom, x_m, y_m, accuracy_m, area_id, content_hash, import_run_id, attributes)
SELECT
    %(feed)s, s.source_ref, s.occurred_at, s.occurred_until, s.time_precision, s.reported_at,
    s.category_id, s.found_by, s.geom, s.x_m, s.y_m,
    s.accuracy_m, s.area_id, s.content_hash, %(run)s, s.attributes
FROM stage_incident s
WHERE NOT EXISTS (SELECT FROM stage_known k WHERE k.row_no = s.row_no)
