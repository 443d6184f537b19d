-- Purpose: alerts that are open, the gravest first, those nobody acknowledged before the rest.
-- Inputs:  place, most. Index: ix_alert_open.
SELECT a.alert_id, a.kind, a.severity, a.area_id, a.title_zh, a.title_en, a.raised_at, a.last_at,
    a.times, a.acknowledged_by, a.acknowledged_at, a.acknowledged_note, a.body,
    ST_X(ST_PointOnSurface(g.geom)) AS lon, ST_Y(ST_PointOnSurface(g.geom)) AS lat
FROM alert a LEFT JOIN area g USING (area_id)
WHERE a.jurisdiction_id = %(place)s AND a.ended_at IS NULL
ORDER BY a.acknowledged_at IS NOT NULL, a.severity DESC, a.raised_at DESC LIMIT %(most)s
