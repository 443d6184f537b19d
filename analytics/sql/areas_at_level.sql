-- Purpose: which area of one level each area of a jurisdiction lies in, itself included.
-- Inputs:  jurisdiction_id, level (district, street, community or grid).
-- Returns: area_id, unit (area_id at that level). Areas above the level are left out.
-- Indexes: pk_area, and uq_area_jurisdiction_id_area_id to find a jurisdiction's areas.
WITH RECURSIVE upward AS (
    SELECT area_id, area_id AS unit, parent_id, level
    FROM area
    WHERE jurisdiction_id = :jurisdiction_id
    UNION ALL
    SELECT below.area_id, above.area_id, above.parent_id, above.level
    FROM upward AS below
    JOIN area AS above ON above.area_id = below.parent_id
    WHERE below.level <> :level
)
SELECT area_id, unit FROM upward WHERE level = :level
