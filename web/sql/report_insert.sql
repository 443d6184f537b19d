-- Purpose: take in one report at a point; no row comes back where class or place is unknown.
-- Inputs:  longitude and latitude in EPSG:4326; x_m, y_m in the jurisdiction's metric system.
-- Index:   idx_jurisdiction_geom, idx_area_geom. A point on a shared edge belongs to the first
--          grid in the order of the import: exclusive ones, then by number.
WITH place AS (
    SELECT ST_SetSRID(ST_MakePoint(%(long)s, %(lat)s), 4326) AS geom
), home AS (
    SELECT j.jurisdiction_id, j.metric_srid, p.geom FROM jurisdiction j, place p
    WHERE j.geom && p.geom AND ST_Covers(j.geom, p.geom) ORDER BY 1 LIMIT 1
), source AS (
    INSERT INTO feed (jurisdiction_id, source, title)
    SELECT jurisdiction_id, 'open311', 'Open311' FROM home
    ON CONFLICT (jurisdiction_id, source) DO UPDATE SET source = excluded.source
    RETURNING feed_id
), grid AS (
    SELECT a.area_id FROM area a JOIN home h USING (jurisdiction_id)
    WHERE a.level = 'grid' AND a.grid_kind <> 'micro' AND a.geom && h.geom
      AND ST_Covers(a.geom, h.geom) AND a.valid_from <= now()::date AND a.valid_to > now()::date
    ORDER BY a.grid_kind <> 'exclusive', a.area_id LIMIT 1
)
INSERT INTO incident (
    feed_id, source_ref, occurred_at, occurred_until, time_precision, reported_at, category_id,
    found_by, geom, x_m, y_m, area_id, content_hash, attributes)
SELECT s.feed_id, %(token)s, now(), now(), 'minute', now(), c.category_id, 'resident', h.geom,
       ST_X(ST_Transform(h.geom, h.metric_srid)), ST_Y(ST_Transform(h.geom, h.metric_srid)),
       (SELECT area_id FROM grid), hashtextextended(%(token)s, 0), %(attributes)s
FROM source s, home h, category c JOIN category_scheme e USING (scheme_id)
WHERE c.category_id = %(category)s AND e.valid_from <= now()::date AND e.valid_to > now()::date
RETURNING incident_id
