-- Purpose: reports whose contact is past its time: keep_days after the last call-back of their
--          case; after its end where nobody called back; after they came in where nobody filed
--          them. A case that is open, or open again, keeps its contacts.
-- Inputs:  now, keep_days. Index: the primary keys of contact.reporter, report, case_transition.
SELECT k.report_id
FROM contact.reporter k
JOIN report r USING (report_id)
LEFT JOIN case_file c ON c.case_id = r.case_id
LEFT JOIN LATERAL (
    SELECT max(t.at) AS at FROM case_transition t
    WHERE t.case_id = c.case_id AND t.action = 'call_back' AND t.satisfaction <> 'not_reached'
) called ON true
WHERE CASE
    WHEN c.case_id IS NULL THEN r.received_at
    WHEN c.state IN ('closed', 'rejected', 'void', 'merged')
        THEN greatest(called.at, c.state_since)
    END < CAST(:now AS timestamptz) - make_interval(days => :keep_days)
