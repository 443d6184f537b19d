-- Purpose: keep what the incidents said that this chunk is about to change.
-- Inputs:  run. Index: pk_incident.
INSERT INTO record_version (kind, record_id, written_by_run_id, replaced_by_run_id, record)
SELECT 'incidents', i.incident_id, i.import_run_id, %(run)s,
       to_jsonb(i) - 'geom' || jsonb_build_object('lon', ST_X(i.geom), 'lat', ST_Y(i.geom))
FROM stage_known k
JOIN incident i ON i.occurred_at = k.occurred_at AND i.incident_id = k.record_id
WHERE NOT k.same AND NOT k.this_run
