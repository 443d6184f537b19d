-- Purpose: note and tell, once each, the stages that are late or soon will be.
-- Inputs:  jurisdiction, now, soon (the moment up to which "soon" reaches), most.
-- Index:   ix_case_file_due. The insert into case_notice decides between two workers.
WITH late AS (
    SELECT c.case_id, c.number, c.level, c.state, c.due_at, c.area_id, c.category_id,
        CASE WHEN c.due_at < CAST(:now AS timestamptz) THEN 'overdue' ELSE 'due_soon' END AS kind
    FROM case_file c
    WHERE c.jurisdiction_id = :jurisdiction AND c.due_at < CAST(:soon AS timestamptz)
        AND NOT EXISTS (
            SELECT FROM case_notice n WHERE n.case_id = c.case_id AND n.due_at = c.due_at
            AND n.kind = CASE WHEN c.due_at < CAST(:now AS timestamptz)
                         THEN 'overdue' ELSE 'due_soon' END)
    ORDER BY c.due_at, c.case_id LIMIT :most
), told AS (
    INSERT INTO case_notice (case_id, due_at, kind, told_at)
    SELECT case_id, due_at, kind, CAST(:now AS timestamptz) FROM late
    ON CONFLICT DO NOTHING RETURNING case_id, due_at, kind
)
SELECT l.case_id, l.number, l.kind, l.level, l.due_at, emit_event(
    'case', CAST(:jurisdiction AS integer), l.area_id, l.category_id, jsonb_build_object(
        'case_id', l.case_id, 'number', l.number, 'action', l.kind, 'state', l.state,
        'level', l.level, 'due_at', l.due_at)) AS event_id
FROM told t JOIN late l USING (case_id, due_at, kind)
ORDER BY l.due_at, l.case_id
