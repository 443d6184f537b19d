-- Purpose: cameras in use that nobody filed: past their date, and those and the ones of this week.
-- Inputs:  place, today. Few rows, so no index.
SELECT count(*) FILTER (WHERE c.filing_due < %(today)s) AS late, count(*) AS soon
FROM camera c JOIN feed f USING (feed_id)
WHERE f.jurisdiction_id = %(place)s AND c.filing_no IS NULL AND c.status <> 'retired'
  AND c.filing_due <= %(today)s + 7
