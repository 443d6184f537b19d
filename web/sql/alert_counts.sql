-- Purpose: reports of each class in each grid in the last hours and in the weeks before, for bursts.
-- Inputs:  place, now, since (of the last hours), begin (of the weeks), window_s (their length), zone,
--          reported. A grid without reports has one row without a class. Index: pk_incident.
SELECT a.area_id, a.name, coalesce(a.name_en, a.name) AS name_en, i.category_id,
    c.code, c.name AS class_zh, c.name_en AS class_en,
    count(i.incident_id) FILTER (WHERE i.occurred_at > %(since)s)::int AS recent,
    count(i.incident_id) FILTER (WHERE i.occurred_at <= %(since)s)::int AS history,
    count(i.incident_id) FILTER (WHERE i.occurred_at <= %(since)s AND mod(extract(epoch FROM
        %(now)s AT TIME ZONE %(zone)s - i.occurred_at AT TIME ZONE %(zone)s), 604800)
        < %(window_s)s)::int AS same_hours
FROM area a LEFT JOIN incident i ON i.area_id = a.area_id AND i.occurred_at > %(begin)s
    AND i.occurred_at <= %(now)s AND i.found_by = ANY (%(reported)s)
LEFT JOIN category c USING (category_id)
WHERE a.jurisdiction_id = %(place)s AND a.level = 'grid'
    AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
GROUP BY a.area_id, i.category_id, c.category_id ORDER BY a.area_id, i.category_id
