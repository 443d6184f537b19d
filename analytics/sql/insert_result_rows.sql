-- Purpose: store one result's rows with the polygon of cell or area as it is now (EPSG:4326).
-- Inputs:  result_run_id; arrays of one length: unit_no, area_id (NULL for cells), observed,
--          score, p_value, q_value, slope, label, details. For cells the square frame x0, y0, size,
--          n_columns in the metric srid; NULL for areas.
-- Returns: nothing.
-- Indexes: pk_area.
INSERT INTO result_row (result_run_id, unit_no, area_id, geom,
                        observed, score, p_value, q_value, slope, label, details)
SELECT :result_run_id, unit.unit_no, unit.area_id,
       coalesce(area.geom, ST_Multi(ST_Transform(ST_MakeEnvelope(
           :x0 + unit.unit_no % :n_columns * CAST(:size AS double precision),
           :y0 + unit.unit_no / :n_columns * CAST(:size AS double precision),
           :x0 + (unit.unit_no % :n_columns + 1) * CAST(:size AS double precision),
           :y0 + (unit.unit_no / :n_columns + 1) * CAST(:size AS double precision),
           :srid), 4326))),
       unit.observed, unit.score, unit.p_value, unit.q_value, unit.slope, unit.label,
       unit.details
FROM unnest(
    CAST(:unit_no AS integer[]), CAST(:area_id AS bigint[]),
    CAST(:observed AS double precision[]), CAST(:score AS double precision[]),
    CAST(:p_value AS double precision[]), CAST(:q_value AS double precision[]),
    CAST(:slope AS double precision[]), CAST(:label AS text[]),
    CAST(CAST(:details AS text[]) AS jsonb[])
) AS unit (unit_no, area_id, observed, score, p_value, q_value, slope, label, details)
LEFT JOIN area ON area.area_id = unit.area_id
