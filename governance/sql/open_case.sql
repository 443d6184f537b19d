-- Purpose: a new case, with the next number of its day; numbers may have gaps, and nobody waits.
-- Inputs:  jurisdiction, day (such as 20260303-), at, words, lon, lat (SRID 4326), area, category.
WITH next AS (SELECT nextval('case_file_case_id_seq') AS id)
INSERT INTO case_file
    (case_id, jurisdiction_id, number, opened_at, state_since, words, geom, area_id, category_id)
SELECT id, :jurisdiction, CAST(:day AS text) || lpad(id::text, greatest(6, length(id::text)), '0'),
    :at, :at, :words, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :area, :category
FROM next
RETURNING case_id
