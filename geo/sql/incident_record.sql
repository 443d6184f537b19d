-- Purpose: write one incident as it is reported, in the grid that it lies in.
-- Inputs:  jurisdiction, feed, source_ref, times, category, found_by, lon, lat, ...; SRID 4326,
--          x_m and y_m in the jurisdiction's metric SRID. A point on a shared edge belongs to the
--          grid of the lowest number. Index: idx_area_geom.
WITH here AS (
    SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom, j.metric_srid
    FROM jurisdiction j WHERE j.jurisdiction_id = :jurisdiction
)
INSERT INTO incident (
    feed_id, source_ref, occurred_at, occurred_until, time_precision, reported_at, category_id,
    found_by, geom, x_m, y_m, accuracy_m, area_id, content_hash, attributes)
SELECT
    :feed, :source_ref, :occurred_at, :occurred_at, 'minute', :reported_at, :category, :found_by,
    h.geom, ST_X(m.geom), ST_Y(m.geom), CAST(:accuracy_m AS double precision), a.area_id,
    :content_hash, CAST(:attributes AS jsonb)
FROM here h
CROSS JOIN LATERAL (SELECT ST_Transform(h.geom, h.metric_srid) AS geom) m
LEFT JOIN LATERAL (
    SELECT area_id FROM area
    WHERE jurisdiction_id = :jurisdiction AND level = 'grid' AND ST_Intersects(geom, h.geom)
        AND grid_kind <> 'micro'
        AND valid_from <= CAST(:occurred_on AS date) AND CAST(:occurred_on AS date) < valid_to
    ORDER BY grid_kind <> 'exclusive', area_id LIMIT 1) a ON true
RETURNING incident_id, area_id
