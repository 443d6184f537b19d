"""Flight logs of drones into tracks, and what their cameras saw."""
