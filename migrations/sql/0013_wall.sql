-- Purpose: alerts that wait for a named person, which view a wall's screens are steered to, and
--          what stands on the ground of each hexagon, to which counts are compared.
-- Alerts:  raise_alert() is called by whoever finds something; the same subject is one alert as
--          long as it is open. Triggers tell the live screens, whoever writes the row.

CREATE FUNCTION raise_alert(
    kind text, jurisdiction_id integer, area_id bigint, subject text, severity integer,
    title_zh text, title_en text, body jsonb
) RETURNS bigint
LANGUAGE sql AS $$
    INSERT INTO alert AS a (kind, jurisdiction_id, area_id, subject, severity, title_zh, title_en, body)
    VALUES (kind, jurisdiction_id, area_id, subject, severity, title_zh, title_en, body)
    ON CONFLICT (jurisdiction_id, kind, subject) WHERE ended_at IS NULL DO UPDATE SET
        last_at = clock_timestamp(), times = a.times + 1, title_zh = excluded.title_zh,
        title_en = excluded.title_en, body = excluded.body, severity = excluded.severity,
        -- What became worse has to be looked at again.
        acknowledged_by = CASE WHEN excluded.severity > a.severity THEN NULL ELSE a.acknowledged_by END,
        acknowledged_at = CASE WHEN excluded.severity > a.severity THEN NULL ELSE a.acknowledged_at END,
        acknowledged_note = CASE WHEN excluded.severity > a.severity THEN NULL ELSE a.acknowledged_note END
    RETURNING alert_id
$$;

CREATE FUNCTION alert_tells() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    action text := CASE
        WHEN TG_OP = 'INSERT' THEN 'raised'
        WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL THEN 'ended'
        WHEN NEW.severity > OLD.severity THEN 'raised'
        WHEN NEW.acknowledged_at IS NOT NULL AND OLD.acknowledged_at IS NULL THEN 'acknowledged'
    END;
BEGIN
    IF action IS NOT NULL THEN
        PERFORM emit_event('alert', NEW.jurisdiction_id, NEW.area_id, NULL, jsonb_build_object(
            'alert_id', NEW.alert_id, 'action', action, 'alert_kind', NEW.kind,
            'severity', NEW.severity, 'title_zh', NEW.title_zh, 'title_en', NEW.title_en));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER alert_tells AFTER INSERT OR UPDATE ON alert
    FOR EACH ROW EXECUTE FUNCTION alert_tells();

GRANT SELECT, INSERT, UPDATE, DELETE ON alert TO gridbeat_app;
GRANT USAGE ON SEQUENCE alert_alert_id_seq TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT, UPDATE ON alert TO gridbeat_web;
-- An alert of no area is everybody's who signed in, as a live event of none is.
ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON alert TO gridbeat_app USING (true);
CREATE POLICY web ON alert TO gridbeat_web USING (
    (SELECT sees_all()) OR area_id = ANY ((SELECT seen_areas())::bigint[])
    OR (area_id IS NULL AND (SELECT seen_areas()) IS NOT NULL));

-- Which view the screens of a wall are steered to; they hear its name and read it themselves.
CREATE FUNCTION wall_direction_tells() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('gridbeat_walls', coalesce(NEW.wall, OLD.wall));
    RETURN NULL;
END $$;
CREATE TRIGGER wall_direction_tells AFTER INSERT OR UPDATE OR DELETE ON wall_direction
    FOR EACH ROW EXECUTE FUNCTION wall_direction_tells();
GRANT SELECT, INSERT, UPDATE, DELETE ON wall_direction TO gridbeat_app;
SELECT protect_rows('wall_direction', 'signed in');
GRANT INSERT, UPDATE, DELETE ON wall_direction TO gridbeat_web;

-- The hexagon of a point: column and row as ST_Hexagon numbers them, by rounding axial coordinates.
CREATE FUNCTION hexagon_of(level integer, lon float8, lat float8, OUT i integer, OUT j integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH axial AS (
        SELECT radians(lon) * 6378137.0 / (1.5 * hexagon_edge(level)) AS q,
            (6378137.0 * ln(tan(pi() / 4 + radians(greatest(least(lat, 85.0), -85.0)) / 2)) / sqrt(3.0)
                - radians(lon) * 6378137.0 / 3.0) / hexagon_edge(level) AS r
    ), rounded AS (
        SELECT q, r, round(q) AS rq, round(r) AS rr, round(-q - r) AS rs FROM axial
    ), cell AS (
        SELECT (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r)
                THEN -rr - rs ELSE rq END)::integer AS q,
            (CASE WHEN abs(rq - q) > abs(rr - r) AND abs(rq - q) > abs(rs + q + r) THEN rr
                WHEN abs(rr - r) > abs(rs + q + r) THEN -rq - rs ELSE rr END)::integer AS r
        FROM rounded
    )
    SELECT q, r + (q - abs(q % 2)) / 2 FROM cell
$$;

-- Count households, and the patrol time of the last 28 days with records, by hexagon and grid.
-- Households are those of household points, or of buildings in a jurisdiction without any.
CREATE FUNCTION refresh_hexagon_ground() RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    counted integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:hexagon_ground'));
    DELETE FROM hexagon_ground;
    WITH home AS (
        SELECT f.jurisdiction_id, h.geom, h.households FROM household_point h JOIN feed f USING (feed_id)
        UNION ALL
        SELECT f.jurisdiction_id, ST_PointOnSurface(b.geom), b.households
        FROM building b JOIN feed f USING (feed_id)
        WHERE b.households > 0 AND NOT EXISTS (
            SELECT FROM household_point h JOIN feed g USING (feed_id)
            WHERE g.jurisdiction_id = f.jurisdiction_id)
    ), lived AS (
        SELECT h.jurisdiction_id, h.geom, h.households, coalesce(a.area_id, 0) AS area_id
        FROM home h LEFT JOIN LATERAL (
            SELECT area_id FROM area WHERE jurisdiction_id = h.jurisdiction_id AND level = 'grid'
                AND geom && h.geom AND ST_Intersects(geom, h.geom)
                AND valid_from <= CURRENT_DATE AND CURRENT_DATE < valid_to
            ORDER BY grid_kind = 'exclusive' DESC, code LIMIT 1) a ON true
    ), walked AS (
        SELECT e.jurisdiction_id, ST_PointOnSurface(g.geom) AS geom, e.area_id, e.seconds
        FROM (SELECT jurisdiction_id, i, j, area_id, sum(seconds) AS seconds FROM effort
            WHERE source <> 'camera' AND hour >= (SELECT max(hour) FROM effort) - interval '28 days'
            GROUP BY jurisdiction_id, i, j, area_id) e
        JOIN ground_cell g USING (jurisdiction_id, i, j)
    )
    INSERT INTO hexagon_ground (level, i, j, area_id, jurisdiction_id, households, patrol_s)
    SELECT level, h.i, h.j, area_id, jurisdiction_id, sum(households), sum(seconds)
    FROM (SELECT jurisdiction_id, geom, area_id, households, NULL::float8 AS seconds FROM lived
        UNION ALL SELECT jurisdiction_id, geom, area_id, NULL, seconds FROM walked) p,
        generate_series(0, 3) AS level, LATERAL hexagon_of(level, ST_X(geom), ST_Y(geom)) h
    GROUP BY level, h.i, h.j, area_id, jurisdiction_id;
    GET DIAGNOSTICS counted = ROW_COUNT;
    PERFORM pg_notify('gridbeat_layers', 'incidents');
    RETURN counted;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON hexagon_ground TO gridbeat_app;
SELECT protect_rows('hexagon_ground', 'area');
CREATE TRIGGER layer_changes AFTER INSERT OR UPDATE OR DELETE ON household_point
    FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('ground');
CREATE TRIGGER layer_changes AFTER INSERT OR UPDATE OR DELETE ON drone_route
    FOR EACH STATEMENT EXECUTE FUNCTION layer_changes('drones');
