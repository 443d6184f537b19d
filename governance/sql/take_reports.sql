-- Purpose: write reports down, each in the grid that it lies in today (exclusive grids first), and
--          tell of each whether it is new, what stands there already, or why it is not taken.
-- Inputs:  jurisdiction; reports, a JSON array of rows whose n numbers them (lon, lat: EPSG:4326).
-- Index:   idx_jurisdiction_geom, idx_area_geom, pk_report, uq_report_jurisdiction_id.
-- Rows:    "stood" is what was there before; a report that somebody else writes at this moment is
--          neither new nor there, and is asked for again.
WITH given AS MATERIALIZED (
    SELECT g.*, ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326) AS geom
    FROM jsonb_to_recordset(CAST(:reports AS jsonb)) AS g (
        n integer, report_id uuid, channel text, source_ref text, received_at timestamptz,
        seen_at timestamptz, words text, address text, lon float8, lat float8, accuracy_m float8,
        area_id bigint, category_id integer, photos jsonb, taken_by text, suggested jsonb)
), placed AS MATERIALIZED (
    SELECT g.*, a.area_id AS grid_id, a.name AS grid,
        CASE WHEN g.geom IS NULL THEN a.area_id IS NOT NULL ELSE EXISTS (
            SELECT FROM jurisdiction j WHERE j.jurisdiction_id = :jurisdiction
            AND ST_Intersects(j.geom, g.geom)) END AS inside,
        g.category_id IS NULL OR EXISTS (
            SELECT FROM category c WHERE c.category_id = g.category_id) AS known_class
    FROM given g LEFT JOIN LATERAL (
        SELECT a.area_id, a.name FROM area a
        WHERE a.jurisdiction_id = :jurisdiction AND g.geom IS NULL AND a.area_id = g.area_id
        UNION ALL
        (SELECT a.area_id, a.name FROM area a
         WHERE a.jurisdiction_id = :jurisdiction AND a.level = 'grid' AND a.grid_kind <> 'micro'
            AND a.geom && g.geom AND ST_Intersects(a.geom, g.geom)
            AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
         ORDER BY a.grid_kind <> 'exclusive', a.area_id LIMIT 1)) a ON true
), written AS (
    INSERT INTO report (report_id, jurisdiction_id, channel, source_ref, received_at, seen_at,
        words, address, geom, accuracy_m, area_id, category_id, photos, taken_by, suggested)
    SELECT p.report_id, :jurisdiction, p.channel, p.source_ref, p.received_at, p.seen_at, p.words,
        p.address, p.geom, p.accuracy_m, p.grid_id, p.category_id,
        ARRAY(SELECT jsonb_array_elements_text(p.photos)), p.taken_by, p.suggested
    FROM placed p WHERE p.inside AND p.known_class ORDER BY p.n
    ON CONFLICT DO NOTHING
    RETURNING report_id
)
SELECT p.n, p.inside, p.known_class, p.grid_id, p.grid, w.report_id IS NOT NULL AS is_new,
    s.report_id AS stood_id, s.words AS stood_words, s.taken_by AS stood_taken_by
FROM placed p
LEFT JOIN written w USING (report_id)
LEFT JOIN LATERAL (
    SELECT r.report_id, r.words, r.taken_by FROM report r WHERE r.report_id = p.report_id
    UNION ALL
    SELECT r.report_id, r.words, r.taken_by FROM report r
    WHERE r.jurisdiction_id = :jurisdiction AND r.channel = p.channel
        AND r.source_ref = p.source_ref
    LIMIT 1) s ON true
ORDER BY p.n
