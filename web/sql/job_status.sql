-- Purpose: jobs of one account, newest first, as OGC status; one where a number is given, those
--          before the job `before` where that is given.
-- Index:   ix_job_account or pk_job.
SELECT json_build_object(
    'jobID', job_id, 'processID', process, 'type', 'process', 'status', status,
    'progress', progress, 'message', message, 'created', created_at, 'started', started_at,
    'finished', finished_at, 'updated', updated_at) AS status, result, status AS state, message
FROM job
WHERE account_id = %(account)s AND (%(job)s::uuid IS NULL OR job_id = %(job)s)
    AND (%(before)s::uuid IS NULL OR (created_at, job_id)
        < (SELECT created_at, job_id FROM job WHERE job_id = %(before)s))
ORDER BY created_at DESC, job_id DESC LIMIT %(limit)s
