-- Purpose: the number of a report by its token, and how far it is: the number of the incident
--          that its case became. Index: pk_report, pk_case_file, pk_incident_key.
SELECT k.incident_id, c.state
FROM report r
LEFT JOIN case_file c ON c.case_id = r.case_id
LEFT JOIN feed f ON f.jurisdiction_id = r.jurisdiction_id AND f.source = 'gridbeat-cases'
LEFT JOIN incident_key k ON k.feed_id = f.feed_id AND k.source_ref = c.number
WHERE r.report_id = %(token)s AND r.channel = 'open311'
