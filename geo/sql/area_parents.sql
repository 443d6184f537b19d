-- Purpose: hang areas without a parent below the one that contains them: by national code
--          where the jurisdiction uses those, otherwise by place, among the nearest level above.
-- Inputs:  jurisdiction. SRID 4326. Index: idx_area_geom.
UPDATE area a SET parent_id = p.area_id
FROM area p
WHERE a.jurisdiction_id = %(jurisdiction)s AND a.parent_id IS NULL
  AND p.jurisdiction_id = a.jurisdiction_id AND p.area_id <> a.area_id
  AND p.area_id = (
    SELECT c.area_id
    FROM area c
    WHERE c.jurisdiction_id = a.jurisdiction_id AND c.area_id <> a.area_id
      AND c.valid_from < a.valid_to AND a.valid_from < c.valid_to
      AND array_position(ARRAY['district', 'street', 'community', 'grid'], c.level)
        < array_position(ARRAY['district', 'street', 'community', 'grid'], a.level)
      AND CASE a.code_scheme
          WHEN 'cn' THEN starts_with(a.code, c.code)
          ELSE c.geom && a.geom AND ST_Covers(c.geom, ST_PointOnSurface(a.geom)) END
    ORDER BY array_position(ARRAY['district', 'street', 'community', 'grid'], c.level) DESC
    LIMIT 1)
