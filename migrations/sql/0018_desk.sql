-- Purpose: the web service shows drone flights with what stands against them, and changes grids in
--          the name of who may. Homes are counted points without names; posts show no person.

SELECT protect_rows(name::regclass, by) FROM (VALUES
    ('airspace_zone', 'place'), ('drone', 'place'), ('drone_route', 'place'),
    ('flight_application', 'signed in'), ('household_point', 'place'), ('post', 'area')) AS t (name, by);
GRANT INSERT, UPDATE ON area TO gridbeat_web;
REVOKE SELECT ON post FROM gridbeat_web;
GRANT SELECT (area_id, valid_to) ON post TO gridbeat_web;
