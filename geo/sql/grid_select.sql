-- Purpose: grids with their parent's code, of one day or of all times.
-- Inputs:  jurisdiction, day (null for all times). SRID 4326. Index: uq_area_jurisdiction_id_code.
SELECT
    a.area_id, a.code, p.code, a.grid_kind, a.name, a.name_en, a.host_unit, a.attributes ->> 'host_kind',
    a.households, a.exempt_reason, nullif(a.valid_from, '-infinity'),
    nullif(a.valid_to, 'infinity'), ST_AsBinary(a.geom)
FROM area a
LEFT JOIN area p ON p.area_id = a.parent_id
WHERE a.jurisdiction_id = %(jurisdiction)s AND a.level = 'grid'
  AND (%(day)s::date IS NULL OR (a.valid_from <= %(day)s AND a.valid_to > %(day)s))
ORDER BY a.code
