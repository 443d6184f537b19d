-- Purpose: the wall's panel of cases: overdue and about to be, open by level, solved at level,
--          today's flow, and the latest of the late; no words of a report.
-- Inputs:  jurisdiction, now, since (the local day's begin), month (30 days before now), soon (now + 4 h).
-- Index:   ix_case_file_open for what is open, ix_case_transition_recorded for what happened.
--          Row security of case_file hides other people's ground.
WITH open_cases AS MATERIALIZED (
    SELECT c.case_id, c.number, c.level, c.state, c.due_at, c.area_id, c.category_id,
           ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat
    FROM case_file c WHERE c.jurisdiction_id = %(jurisdiction)s AND c.state NOT IN ('closed', 'rejected', 'void', 'merged')
), happened AS MATERIALIZED (
    SELECT t.case_id, t.action, c.state, c.level, t.recorded_at
    FROM case_transition t JOIN case_file c USING (case_id)
    WHERE c.jurisdiction_id = %(jurisdiction)s AND t.recorded_at >= %(month)s
      AND t.action IN ('report', 'accept', 'dispatch', 'resolve', 'close', 'escalate', 'refuse')
), closed AS (
    SELECT DISTINCT h.case_id, h.level, EXISTS (
        SELECT FROM case_transition u
        WHERE u.case_id = h.case_id AND u.action IN ('escalate', 'refuse')) AS climbed
    FROM happened h WHERE h.action = 'close' AND h.state = 'closed'
)
SELECT json_build_object(
    'due', (SELECT json_build_object(
        'overdue', count(*) FILTER (WHERE due_at < %(now)s),
        'soon', count(*) FILTER (WHERE due_at >= %(now)s AND due_at < %(soon)s),
        'later', count(*) FILTER (WHERE due_at >= %(soon)s),
        'none', count(*) FILTER (WHERE due_at IS NULL)) FROM open_cases),
    'levels', (SELECT json_agg(json_build_object('level', l.level,
            'names', (SELECT json_build_array(n.given ->> 'zh', n.given ->> 'en') FROM (
                SELECT j.level_names -> l.level AS given FROM jurisdiction j
                WHERE j.jurisdiction_id = %(jurisdiction)s) n WHERE n.given IS NOT NULL),
            'open', coalesce(o.open, 0),
            'overdue', coalesce(o.overdue, 0), 'closed', coalesce(d.closed, 0)) ORDER BY l.rank)
        FROM (VALUES ('grid', 1), ('community', 2), ('street', 3), ('district', 4)) l (level, rank)
        LEFT JOIN (SELECT level, count(*) AS open, count(*) FILTER (WHERE due_at < %(now)s) AS overdue
                   FROM open_cases GROUP BY level) o USING (level)
        LEFT JOIN (SELECT level, count(*) AS closed FROM closed GROUP BY level) d USING (level)),
    'closed', (SELECT json_build_object('cases', count(*),
        'at_level', count(*) FILTER (WHERE NOT climbed)) FROM closed),
    'flow', (SELECT json_build_object(
        'reported', count(*) FILTER (WHERE action = 'report'),
        'filed', count(*) FILTER (WHERE action = 'accept'),
        'dispatched', count(*) FILTER (WHERE action = 'dispatch'),
        'resolved', count(*) FILTER (WHERE action = 'resolve'),
        'closed', count(*) FILTER (WHERE action = 'close'),
        'climbed', count(*) FILTER (WHERE action IN ('escalate', 'refuse')))
        FROM happened WHERE recorded_at >= %(since)s),
    'late', (SELECT coalesce(json_agg(json_build_object('case_id', o.case_id, 'number', o.number,
            'level', o.level, 'state', o.state, 'due_at', o.due_at, 'lon', o.lon, 'lat', o.lat,
            'area_id', o.area_id, 'area', a.name, 'area_en', a.name_en, 'class', k.name, 'class_en', k.name_en) ORDER BY o.due_at, o.case_id), '[]')
        FROM (SELECT * FROM open_cases WHERE due_at < %(soon)s ORDER BY due_at, case_id LIMIT 6) o
        LEFT JOIN area a USING (area_id) LEFT JOIN category k USING (category_id)))
