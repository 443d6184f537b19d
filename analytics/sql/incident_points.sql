-- Purpose: incidents of a window as points in metres and local days, in one fixed order.
-- Inputs:  feeds, classes (category_id), found_by, low and high (instants), zone.
-- Returns: x_m, y_m, day (days since 1970-01-01 in the zone), category_id, is_vague: known only to
--          lie somewhere in more than a day.
-- Indexes: partitions by occurred_at, ix_incident_time.
SELECT i.x_m, i.y_m,
       (i.occurred_at AT TIME ZONE :zone)::date - date '1970-01-01' AS day,
       i.category_id,
       i.occurred_until - i.occurred_at > interval '25 hours' AS is_vague
FROM incident AS i
WHERE i.feed_id = ANY(:feeds) AND i.category_id = ANY(:classes) AND i.found_by = ANY(:found_by)
  AND i.occurred_at >= :low AND i.occurred_at < :high
ORDER BY i.occurred_at, i.incident_id
