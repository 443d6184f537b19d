-- Purpose: minutes planned by grid, and minutes of patrols recorded there during the plan's shifts.
-- Inputs:  plan, place, until (moment). done is null where no effort of the day is recorded at all.
-- Index:   ix_effort_area.
WITH span AS (SELECT min(starts_at) AS since, least(max(ends_at), %(until)s::timestamptz) AS until
    FROM plan_shift WHERE plan_id = %(plan)s),
done AS (
    SELECT e.area_id, sum(e.seconds) / 60 AS minutes FROM effort e, span s
    WHERE e.jurisdiction_id = %(place)s AND e.source <> 'camera' AND e.area_id <> 0
        AND e.hour >= date_trunc('hour', s.since) AND e.hour < s.until GROUP BY e.area_id)
SELECT i.area_id, sum(i.minutes)::int AS planned, max(d.minutes) AS done,
    EXISTS (SELECT FROM done) AS is_recorded
FROM plan_item i LEFT JOIN done d USING (area_id) WHERE i.plan_id = %(plan)s GROUP BY i.area_id
