-- Purpose: reports of each grid in the last hours and in the weeks before, for bursts.
-- Inputs:  place, now, since (of the last hours), begin (of the weeks), reported. Index: pk_incident.
SELECT a.area_id, a.name, coalesce(a.name_en, a.name) AS name_en,
    count(i.incident_id) FILTER (WHERE i.occurred_at > %(since)s)::int AS recent,
    count(i.incident_id) FILTER (WHERE i.occurred_at <= %(since)s)::int AS history
FROM area a LEFT JOIN incident i ON i.area_id = a.area_id AND i.occurred_at > %(begin)s
    AND i.occurred_at <= %(now)s AND i.found_by = ANY (%(reported)s)
WHERE a.jurisdiction_id = %(place)s AND a.level = 'grid'
    AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
GROUP BY a.area_id ORDER BY a.area_id
