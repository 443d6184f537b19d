-- Purpose: where, when and of which class incidents were, for coverage and camera rounds.
-- Inputs:  :place (jurisdiction), :begins and :ends (half-open), :found_by.
-- SRID:    x_m, y_m in the jurisdiction's metric system.
-- Index:   ix_incident_time; partitions outside the window are not read.
SELECT i.x_m, i.y_m, c.name AS category_zh, c.name_en AS category_en, c.code,
       CASE WHEN i.time_precision IN ('exact', 'minute', 'hour')
            THEN extract(hour FROM i.occurred_at AT TIME ZONE j.time_zone)::int END AS hour,
       CASE WHEN i.time_precision <> 'month'
            THEN extract(isodow FROM i.occurred_at AT TIME ZONE j.time_zone)::int - 1 END AS weekday
FROM incident i
JOIN feed f USING (feed_id)
JOIN jurisdiction j ON j.jurisdiction_id = f.jurisdiction_id
JOIN category c USING (category_id)
WHERE f.jurisdiction_id = :place AND i.found_by = ANY (:found_by)
  AND i.occurred_at >= :begins AND i.occurred_at < :ends
ORDER BY i.occurred_at, i.incident_id
