-- Purpose: jobs of one account, newest first, as OGC status; one where a number is given, those
--          before the job `before` where that is given. A failure is told in the language `lang`.
-- Index:   ix_job_account or pk_job.
SELECT json_build_object(
    'jobID', job_id, 'processID', process, 'type', 'process', 'status', status,
    'progress', progress, 'message', said, 'created', created_at, 'started', started_at,
    'finished', finished_at, 'updated', updated_at) AS status, result, status AS state, said
FROM job,
    LATERAL (SELECT CASE WHEN %(lang)s = 'zh' THEN coalesce(message_zh, message) ELSE message END
             AS said) AS told
WHERE account_id = %(account)s AND (%(job)s::uuid IS NULL OR job_id = %(job)s)
    AND (%(before)s::uuid IS NULL OR (created_at, job_id)
        < (SELECT created_at, job_id FROM job WHERE job_id = %(before)s))
ORDER BY created_at DESC, job_id DESC LIMIT %(limit)s
