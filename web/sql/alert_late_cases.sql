-- Purpose: cases that are past their deadline, the latest first.
-- Inputs:  place, now, open (states), most. Index: ix_case_file_due.
SELECT number, area_id, due_at FROM case_file
WHERE jurisdiction_id = %(place)s AND due_at < %(now)s AND state = ANY (%(open)s)
ORDER BY due_at LIMIT %(most)s
