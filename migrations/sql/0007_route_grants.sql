-- Purpose: what the application's role may do with routes; a run goes with its routes and visits.

GRANT SELECT, INSERT, UPDATE, DELETE ON route_run, route, route_stop TO gridbeat_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;
