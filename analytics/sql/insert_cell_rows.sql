-- Purpose: store one result's rows over squares with the square of each (EPSG:4326).
-- Inputs:  result_run_id; arrays of one length: unit_no (flat cell), observed, score, p_value,
--          q_value, slope, label, details; the frame x0, y0, size, n_columns in the metric srid.
-- Returns: nothing.
-- Indexes: none.
INSERT INTO result_row (result_run_id, unit_no, geom,
                        observed, score, p_value, q_value, slope, label, details)
SELECT :result_run_id, unit.unit_no,
       ST_Multi(ST_Transform(ST_MakeEnvelope(
           :x0 + unit.unit_no % :n_columns * CAST(:size AS double precision),
           :y0 + unit.unit_no / :n_columns * CAST(:size AS double precision),
           :x0 + (unit.unit_no % :n_columns + 1) * CAST(:size AS double precision),
           :y0 + (unit.unit_no / :n_columns + 1) * CAST(:size AS double precision),
           :srid), 4326)),
       unit.observed, unit.score, unit.p_value, unit.q_value, unit.slope, unit.label,
       unit.details
FROM unnest(
    CAST(:unit_no AS integer[]),
    CAST(:observed AS double precision[]), CAST(:score AS double precision[]),
    CAST(:p_value AS double precision[]), CAST(:q_value AS double precision[]),
    CAST(:slope AS double precision[]), CAST(:label AS text[]),
    CAST(CAST(:details AS text[]) AS jsonb[])
) AS unit (unit_no, observed, score, p_value, q_value, slope, label, details)
