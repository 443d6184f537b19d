-- Purpose: how much ground was seen how lately by anybody: patrols, drones or cameras that were
--          watched. No row at all means that nothing is recorded, which is not "unseen".
-- Inputs:  place, now.
SELECT count(*)::int AS cells, sum(g.ground_m2) AS m2, count(l.last_at)::int AS ever,
    coalesce(sum(g.ground_m2) FILTER (WHERE l.last_at > %(now)s::timestamptz - interval '24 hours'), 0) AS day_m2,
    coalesce(sum(g.ground_m2) FILTER (WHERE l.last_at > %(now)s::timestamptz - interval '7 days'), 0) AS week_m2,
    coalesce(sum(g.ground_m2) FILTER (WHERE l.last_at IS NULL), 0) AS never_m2,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM %(now)s::timestamptz - l.last_at))
        FILTER (WHERE l.last_at IS NOT NULL) AS median_s,
    max(l.last_at) AS last_at
FROM ground_cell g LEFT JOIN (
    SELECT i, j, max(last_at) FILTER (WHERE last_at <= %(now)s) AS last_at
    FROM last_look WHERE jurisdiction_id = %(place)s GROUP BY i, j) l USING (i, j)
WHERE g.jurisdiction_id = %(place)s
