-- Purpose: store rows about areas, shapes of their own (EPSG:4326), or the whole without one.
-- Inputs:  result_run_id; arrays of one length: unit_no, area_id and geom (WKB), each NULL where the
--          row has none, observed, score, p_value, q_value, slope, label, details.
-- Returns: nothing.
-- Indexes: pk_area.
INSERT INTO result_row (result_run_id, unit_no, area_id, geom,
                        observed, score, p_value, q_value, slope, label, details)
SELECT :result_run_id, row.unit_no, row.area_id,
       coalesce(area.geom, ST_Multi(ST_GeomFromWKB(row.geom, 4326))),
       row.observed, row.score, row.p_value, row.q_value, row.slope, row.label, row.details
FROM unnest(
    CAST(:unit_no AS integer[]), CAST(:area_id AS bigint[]), CAST(:geom AS bytea[]),
    CAST(:observed AS double precision[]), CAST(:score AS double precision[]),
    CAST(:p_value AS double precision[]), CAST(:q_value AS double precision[]),
    CAST(:slope AS double precision[]), CAST(:label AS text[]),
    CAST(CAST(:details AS text[]) AS jsonb[])
) AS row (unit_no, area_id, geom, observed, score, p_value, q_value, slope, label, details)
LEFT JOIN area ON area.area_id = row.area_id
