-- Purpose: what the application and the web service may do with views and rounds. Replaced views
--          are history: nobody deletes one, it goes with its camera alone.

GRANT SELECT, INSERT, UPDATE ON camera_view, camera_round, camera_look TO gridbeat_app;
GRANT DELETE ON camera_round, camera_look TO gridbeat_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridbeat_app;

SELECT protect_rows(name::regclass, by) FROM (VALUES
    ('camera_view', 'place'), ('camera_round', 'signed in'), ('camera_look', 'signed in')
) AS t (name, by);
