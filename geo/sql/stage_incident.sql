-- Purpose: where one chunk of checked incidents waits for its merge; emptied at each commit.
-- Inputs:  COPY in binary format. geom in EPSG:4326, x_m and y_m in the jurisdiction's SRID.
CREATE TEMPORARY TABLE IF NOT EXISTS stage_incident (
    row_no bigint,
    source_ref text,
    occurred_at timestamptz,
    occurred_until timestamptz,
    time_precision text,
    reported_at timestamptz,
    category_id integer,
    found_by text,
    geom geometry(Point, 4326),
    x_m double precision,
    y_m double precision,
    accuracy_m double precision,
    area_id bigint,
    content_hash bigint,
    attributes jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stage_known (
    row_no bigint,
    record_id bigint,
    occurred_at timestamptz,
    same boolean,
    this_run boolean
) ON COMMIT DELETE ROWS;
