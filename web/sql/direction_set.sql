-- Purpose: steer a wall's screens to a view; they hear of it by wall_direction_tells.
-- Inputs:  wall, view, login.
INSERT INTO wall_direction (wall, view, directed_by) VALUES (%(wall)s, %(view)s, %(login)s)
ON CONFLICT (wall) DO UPDATE SET view = excluded.view, directed_by = excluded.directed_by,
    directed_at = clock_timestamp()
