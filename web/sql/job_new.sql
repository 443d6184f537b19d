-- Purpose: accept a job and queue it, in one transaction: neither is without the other.
-- Uses:    the queue's own function, of the version that migration 0003 installed.
WITH made AS (
    INSERT INTO job (process, inputs, account_id)
    VALUES (%(process)s, %(inputs)s, %(account)s) RETURNING *
)
SELECT made.*, jobs.procrastinate_defer_jobs_v1(ARRAY[ROW(
    'gridbeat', 'gridbeat.job', 0, NULL, NULL, jsonb_build_object('job_id', made.job_id), NULL
)::jobs.procrastinate_job_to_defer_v1]) AS queued
FROM made
