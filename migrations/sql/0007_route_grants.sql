-- Purpose: what the application's role may do with routes; a run goes with its routes and visits.

GRANT SELECT, INSERT, UPDATE, DELETE ON route_run, route, route_stop TO gridbeat_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;

-- The web service sees the ways and visits that lie on the ground of the request's account.
SELECT protect_rows('route_run', 'signed in'), protect_rows('route', 'place'),
       protect_rows('route_stop', 'area or place');
