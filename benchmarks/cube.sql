-- Purpose: a city of 30 x 30 km with 900 grids, streets every 200 m and :rows generated incidents of three years.
INSERT INTO jurisdiction (code, name, name_en, geom, metric_srid, time_zone)
SELECT 'b', '巡格', 'Bench', ST_Multi(ST_Transform(ST_MakeEnvelope(
    400000, 4400000, 430000, 4430000, 32650), 4326)), 32650, 'Asia/Shanghai';
INSERT INTO feed (jurisdiction_id, source) SELECT jurisdiction_id, s
FROM jurisdiction, unnest(ARRAY['hotline', 'patrol', 'sensors']) AS s;
INSERT INTO category_scheme (scheme, version) VALUES ('bench', '1');
INSERT INTO category (scheme_id, code, name, name_en)
SELECT scheme_id, 'C' || n, 'C' || n, 'C' || n FROM category_scheme, generate_series(1, 30) AS n;
INSERT INTO area (jurisdiction_id, feed_id, source_ref, content_hash, code, name, level, grid_kind, geom)
SELECT jurisdiction_id, feed_id, n::text, 0, 'G' || n, 'G' || n, 'grid', 'basic',
    ST_Multi(ST_Transform(ST_MakeEnvelope(
        400000 + n % 30 * 1000, 4400000 + n / 30 * 1000,
        401000 + n % 30 * 1000, 4401000 + n / 30 * 1000, 32650), 4326))
FROM feed, generate_series(0, 899) AS n WHERE source = 'hotline';
INSERT INTO road (feed_id, source_ref, content_hash, kind, geom)
SELECT feed_id, n || way, 0, 'residential', ST_Transform(ST_SetSRID(CASE way
    WHEN 'e' THEN ST_MakeLine(ST_MakePoint(400000 + n % 150 * 200, 4400000 + n / 150 * 200),
        ST_MakePoint(400200 + n % 150 * 200, 4400000 + n / 150 * 200))
    ELSE ST_MakeLine(ST_MakePoint(400000 + n % 150 * 200, 4400000 + n / 150 * 200),
        ST_MakePoint(400000 + n % 150 * 200, 4400200 + n / 150 * 200)) END, 32650), 4326)
FROM feed, generate_series(0, 22499) AS n, unnest(ARRAY['e', 'n']) AS way WHERE source = 'hotline';
INSERT INTO import_run (feed_id, kind, file_name, file_sha256, mapping, crs, code_version, rows_new)
SELECT feed_id, 'incidents', f, f, '{}', 'wgs84', '0', 1 FROM feed, unnest(ARRAY['all', 'late']) AS f
WHERE source = 'hotline';
SELECT ensure_incident_partitions(array_agg(d::date))
FROM generate_series(date '2022-01-01', date '2025-02-01', interval '1 month') AS d;
ALTER TABLE incident DISABLE TRIGGER USER;
SELECT setseed(0.5);
INSERT INTO incident (occurred_at, occurred_until, time_precision, reported_at, feed_id, source_ref,
    category_id, found_by, geom, x_m, y_m, area_id, content_hash,
    import_run_id, attributes)
SELECT t, t + CASE WHEN n % 5 = 0 THEN interval '1 day' ELSE interval '1 minute' END,
    CASE WHEN n % 5 = 0 THEN 'day' ELSE 'minute' END, t + interval '90 minutes',
    CASE WHEN n % 4 = 0 THEN f.patrol ELSE f.hotline END, n::text, c.first + n % 30,
    CASE WHEN n % 4 = 0 THEN 'patrol' ELSE 'resident' END,
    ST_SetSRID(ST_MakePoint(116 + x / 90000, 39 + y / 111000), 4326), 400000 + x, 4400000 + y,
    a.first + floor(y / 1000)::int * 30 + floor(x / 1000)::int, n,
    CASE WHEN t::date = '2023-12-28' THEN r.late ELSE r.first END, jsonb_build_object('street', 'Street ' || n % 997, 'severity', n % 4)
FROM (
    SELECT n, greatest(0, least(29999, 15000 + 5000 * (random() + random() + random() - 1.5) * 2)) AS x,
        greatest(0, least(29999, 15000 + 5000 * (random() + random() + random() - 1.5) * 2)) AS y,
        CASE WHEN n % 5 = 0
            THEN (timestamp '2022-01-03' + floor(random() * 1099) * interval '1 day') AT TIME ZONE 'Asia/Shanghai'
            ELSE timestamptz '2022-01-02 16:00Z' + random() * 1098 * interval '1 day' END AS t
    FROM generate_series(1, :rows) AS n
) AS p,
(SELECT min(feed_id) FILTER (WHERE source = 'hotline') AS hotline,
        min(feed_id) FILTER (WHERE source = 'patrol') AS patrol FROM feed) AS f,
(SELECT min(import_run_id) AS first, max(import_run_id) AS late FROM import_run) AS r,
(SELECT min(category_id) AS first FROM category) AS c,
(SELECT min(area_id) AS first FROM area) AS a
ORDER BY t;
VACUUM ANALYZE incident;
