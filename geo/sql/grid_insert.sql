-- Purpose: write new grids below the area that each belongs to.
-- Inputs:  one row of values: jurisdiction, feed, code, parent, kind, name, host_unit, households,
--          exempt_reason, from, wkb (SRID 4326), attributes (jsonb text).
--          Index: uq_area_jurisdiction_id_code, which also refuses a code that was ever used.
INSERT INTO area (
    feed_id, source_ref, content_hash, attributes, jurisdiction_id, code_scheme, parent_id, level,
    grid_kind, code, name, host_unit, households, exempt_reason, geom, valid_from)
SELECT
    %(feed)s, %(code)s, hashtextextended(encode(%(wkb)s, 'hex') || %(code)s, 0),
    %(attributes)s::jsonb, j.jurisdiction_id, j.code_scheme, p.area_id, 'grid', %(kind)s, %(code)s,
    %(name)s, %(host_unit)s, %(households)s, %(exempt_reason)s,
    ST_Multi(ST_GeomFromWKB(%(wkb)s, 4326)), %(from)s
FROM jurisdiction j
JOIN area p ON p.jurisdiction_id = j.jurisdiction_id AND p.code = %(parent)s
    AND p.valid_from <= %(from)s AND p.valid_to > %(from)s
WHERE j.jurisdiction_id = %(jurisdiction)s
