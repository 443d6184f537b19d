"""The tables of places, people on duty, incidents and imports."""
