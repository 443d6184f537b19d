-- Purpose: the grids of now, with reports of the last eight weeks, and their open cases.
-- Inputs:  place, until (moment), reported (ways of finding), open (states), now.
-- Gives:   weeks: the oldest first, each ending at the clock time of `until`.
-- Index:   pk_incident, ix_case_file_area.
WITH counted AS (
    SELECT i.area_id,
        floor(extract(epoch FROM %(until)s::timestamptz - i.occurred_at) / 604800)::int AS week,
        count(*)::int AS n
    FROM incident i JOIN feed f USING (feed_id)
    WHERE f.jurisdiction_id = %(place)s AND i.found_by = ANY (%(reported)s)
        AND i.occurred_at > %(until)s::timestamptz - interval '56 days'
        AND i.occurred_at <= %(until)s AND i.area_id IS NOT NULL
    GROUP BY 1, 2
), cases AS (
    SELECT area_id, count(*)::int AS open_n, (count(*) FILTER (WHERE due_at < %(now)s))::int AS late_n
    FROM case_file WHERE jurisdiction_id = %(place)s AND state = ANY (%(open)s) GROUP BY area_id
)
SELECT a.area_id, a.code, a.name, a.name_en, p.name AS community, p.name_en AS community_en, a.households,
    round((ST_Area(a.geom::geography, false) / 1e6)::numeric, 4)::float8 AS km2,
    ST_X(ST_PointOnSurface(a.geom)) AS lon, ST_Y(ST_PointOnSurface(a.geom)) AS lat,
    ARRAY(SELECT coalesce((SELECT n FROM counted c WHERE c.area_id = a.area_id AND c.week = w), 0)
        FROM generate_series(7, 0, -1) w) AS weeks,
    coalesce(c.open_n, 0) AS open_n, coalesce(c.late_n, 0) AS late_n
FROM area a LEFT JOIN area p ON p.area_id = a.parent_id LEFT JOIN cases c ON c.area_id = a.area_id
WHERE a.jurisdiction_id = %(place)s AND a.level = 'grid'
    AND a.valid_from <= CURRENT_DATE AND CURRENT_DATE < a.valid_to
ORDER BY a.code
