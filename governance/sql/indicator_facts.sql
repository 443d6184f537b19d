-- Purpose: one row for each thing that fell due in a period, and whether it was good; what each
--          indicator counts stands in governance/indicators/definitions.py.
-- Inputs:  jurisdiction, start, end (half-open), now (nothing after it counts), level of areas.
-- Index:   primary keys of case_transition; the tables of one jurisdiction's cases.
WITH RECURSIVE up AS (
    SELECT area_id AS grid_id, area_id, parent_id, level, code, name FROM area
    WHERE jurisdiction_id = :jurisdiction
    UNION ALL
    SELECT u.grid_id, a.area_id, a.parent_id, a.level, a.code, a.name FROM up u
    JOIN area a ON a.area_id = u.parent_id WHERE u.level <> :level
), place AS (
    SELECT grid_id, area_id, code, name FROM up WHERE level = :level
), steps AS (
    SELECT t.*, c.area_id AS grid_id, c.category_id AS class_id, c.state AS now_state,
        c.level AS now_level, c.department_id AS now_department, c.first_due_at,
        c.first_department_id
    FROM case_transition t JOIN case_file c USING (case_id)
    WHERE c.jurisdiction_id = :jurisdiction AND t.at <= :now
), sums AS (
    SELECT case_id, grid_id, class_id, now_state, now_department,
        coalesce(max(handle_due_at) FILTER (WHERE action = 'grant_extension'), first_due_at) AS due,
        min(at) FILTER (WHERE action = 'resolve') AS first_done,
        max(at) FILTER (WHERE action = 'resolve') AS done,
        max(at) FILTER (WHERE action = 'close') AS closed,
        count(*) FILTER (WHERE action = 'rework') AS reworks,
        count(*) FILTER (WHERE action IN ('escalate', 'refuse')) AS climbs,
        (array_agg(actor ORDER BY seq DESC) FILTER (WHERE action = 'resolve'))[1] AS handler
    FROM steps
    GROUP BY case_id, grid_id, class_id, now_state, now_department, first_due_at
), sent AS (
    SELECT d.case_id, d.grid_id, d.class_id, d.department_id, d.due_at, n.action AS next_action,
        n.at AS next_at, n.actor AS actor
    FROM steps d LEFT JOIN LATERAL (
        SELECT s.action, s.at, s.actor FROM steps s
        WHERE s.case_id = d.case_id AND s.seq > d.seq ORDER BY s.seq LIMIT 1) n ON true
    WHERE d.action = 'dispatch' AND d.due_at IS NOT NULL
), facts AS (
    SELECT 'on_time' AS indicator, due AS at, coalesce(done <= due AND closed IS NOT NULL, false)
        AS good, grid_id, now_department AS department_id, class_id, handler AS actor
    FROM sums WHERE due <= :now AND now_state NOT IN ('void', 'merged', 'suspended', 'rejected')
    UNION ALL
    SELECT 'effective', r.received_at, coalesce(c.state NOT IN ('rejected', 'void'), false),
        r.area_id, NULL, r.category_id, r.taken_by
    FROM report r JOIN case_file c USING (case_id)
    WHERE r.jurisdiction_id = :jurisdiction AND c.state NOT IN ('reported', 'verifying')
    UNION ALL
    SELECT 'rework', first_done, reworks > 0, grid_id, now_department, class_id, handler
    FROM sums WHERE first_done IS NOT NULL
    UNION ALL
    SELECT 'at_level', closed, climbs = 0, grid_id, now_department, class_id, handler
    FROM sums WHERE closed IS NOT NULL AND now_state = 'closed'
    UNION ALL
    SELECT 'response', due_at, coalesce(next_action = 'receive' AND next_at <= due_at, false),
        grid_id, department_id, class_id,
        CASE WHEN next_action = 'receive' THEN actor END
    FROM sent WHERE (due_at <= :now OR next_at IS NOT NULL)
        AND NOT coalesce(next_action IN ('object', 'merge', 'void') AND next_at <= due_at, false)
    UNION ALL
    SELECT 'satisfaction', at, satisfaction = 'satisfied', grid_id, now_department, class_id, NULL
    FROM steps WHERE action = 'call_back' AND satisfaction <> 'not_reached'
)
SELECT f.indicator, f.good, p.code || ' ' || p.name AS area, d.name AS department,
    (SELECT min(o.role) FROM post o JOIN person n USING (person_id)
     WHERE n.jurisdiction_id = :jurisdiction AND n.staff_no = f.actor
       AND o.valid_from <= f.at::date AND f.at::date < o.valid_to) AS post,
    g.code || ' ' || g.name AS class,
    to_char(f.at AT TIME ZONE j.time_zone, 'YYYY-MM') AS month
FROM facts f
JOIN jurisdiction j ON j.jurisdiction_id = :jurisdiction
LEFT JOIN place p ON p.grid_id = f.grid_id
LEFT JOIN department d ON d.department_id = f.department_id
LEFT JOIN category g ON g.category_id = f.class_id
WHERE f.at >= :start AND f.at < :end
    AND (CAST(:area AS bigint) IS NULL OR p.area_id = CAST(:area AS bigint))
