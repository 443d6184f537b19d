-- Purpose: cancel a job that is not over; the worker sees it at its next step. Index: pk_job.
UPDATE job SET status = 'dismissed', finished_at = now(), updated_at = now()
WHERE job_id = %(job)s AND account_id = %(account)s AND status IN ('accepted', 'running')
RETURNING job_id
