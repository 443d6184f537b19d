-- Purpose: the plan of a local day, or else the next one; the published before others, then the newest.
-- Inputs:  place, day.
SELECT plan_id, plan_date, version, status, hours, approved_by, created_at FROM plan
WHERE jurisdiction_id = %(place)s AND plan_date >= %(day)s AND status <> 'withdrawn'
ORDER BY plan_date, status = 'published' DESC, status = 'approved' DESC, version DESC LIMIT 1
