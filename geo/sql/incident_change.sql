-- Purpose: give changed incidents what the file says now; they may move to another month.
-- Inputs:  run. Index: pk_incident.
UPDATE incident i SET
    occurred_at = s.occurred_at, occurred_until = s.occurred_until,
    time_precision = s.time_precision, reported_at = s.reported_at, category_id = s.category_id,
    found_by = s.found_by, geom = s.geom, x_m = s.x_m,
    y_m = s.y_m, accuracy_m = s.accuracy_m, area_id = s.area_id, content_hash = s.content_hash,
    import_run_id = %(run)s, attributes = s.attributes
FROM stage_incident s
JOIN stage_known k ON k.row_no = s.row_no AND NOT k.same AND NOT k.this_run
WHERE i.occurred_at = k.occurred_at AND i.incident_id = k.record_id
