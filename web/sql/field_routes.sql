-- Purpose: today's routes with their stops and this account's visits: of each shift the newest
--          search or confirmed re-plan, and none of a plan that nobody has published; a day's own plan comes before
--          that of a week.
-- Inputs:  since, until (the local day), visitor. Row security hides other people's ground.
-- Index:   uq_route_route_run_id_unit_id, pk_route_stop, ix_stop_visit_route.
WITH runs AS (
    SELECT DISTINCT ON (r.jurisdiction_id, r.starts_at) r.route_run_id
    FROM route_run r JOIN jurisdiction j USING (jurisdiction_id) LEFT JOIN plan p USING (plan_id)
    WHERE r.starts_at < %(until)s AND r.ends_at > %(since)s
      AND NOT r.is_proposal AND NOT EXISTS (
          SELECT FROM route_run c WHERE c.parent_run_id = r.route_run_id AND NOT c.is_proposal)
      AND (r.plan_id IS NULL OR p.status IN ('published', 'executed', 'compared'))
      AND NOT (p.days > 1 AND EXISTS (
          SELECT FROM plan d WHERE d.jurisdiction_id = p.jurisdiction_id AND d.days = 1
            AND d.status IN ('published', 'executed', 'compared')
            AND d.plan_date >= p.plan_date AND d.plan_date < p.plan_date + p.days
            AND d.plan_date = (r.starts_at AT TIME ZONE j.time_zone)::date))
    ORDER BY r.jurisdiction_id, r.starts_at, r.created_at DESC, r.route_run_id DESC
)
SELECT w.route_id, w.unit_id, u.name AS unit, w.mode, w.starts_at, w.ends_at, w.travel_m,
       ST_AsGeoJSON(w.geom, 6)::json AS way,
       (SELECT coalesce(json_agg(json_build_object(
            'ordinal', s.ordinal, 'stop_ref', s.stop_ref, 'must', s.must, 'arrive_at', s.arrive_at,
            'start_at', s.start_at, 'leave_at', s.leave_at, 'zh', s.reason_zh, 'en', s.reason_en,
            'area', a.name, 'area_en', coalesce(a.name_en, a.name), 'lon', ST_X(s.geom), 'lat', ST_Y(s.geom),
            'visit', (SELECT json_build_object('visit_id', v.visit_id, 'arrived_at', v.arrived_at,
                          'left_at', v.left_at, 'distance_m', round(v.distance_m::numeric))
                      FROM stop_visit v WHERE v.route_id = s.route_id AND v.ordinal = s.ordinal
                        AND v.visitor = %(visitor)s
                      ORDER BY v.arrived_at DESC LIMIT 1)) ORDER BY s.ordinal), '[]')
        FROM route_stop s LEFT JOIN area a USING (area_id)
        WHERE s.route_id = w.route_id) AS stops
FROM runs JOIN route w USING (route_run_id) JOIN unit u USING (unit_id)
ORDER BY u.name, w.route_id
