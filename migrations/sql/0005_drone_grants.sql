-- Purpose: what the application's role may do with airspace, drones, routes and applications.
--          An application that was sent is history: it is never deleted by itself.

GRANT SELECT, INSERT, UPDATE ON airspace_zone, drone, drone_route, flight_application
TO gridbeat_app;
GRANT DELETE ON airspace_zone, drone, drone_route TO gridbeat_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;
