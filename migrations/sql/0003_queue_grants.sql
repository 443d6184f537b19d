-- Purpose: who may use the job queue. The worker (gridbeat_app) does all of it; the web service
--          defers and cancels. Functions find their tables whatever the caller's search_path is.
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN SELECT p.oid::regprocedure FROM pg_proc p
                   WHERE p.pronamespace = 'jobs'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', routine);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA jobs TO gridbeat_app, gridbeat_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO gridbeat_app;
GRANT SELECT, INSERT, UPDATE ON jobs.procrastinate_jobs TO gridbeat_web;
GRANT SELECT, INSERT ON jobs.procrastinate_events TO gridbeat_web;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO gridbeat_app, gridbeat_web;
