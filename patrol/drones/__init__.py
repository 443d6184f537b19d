"""Drones: sweep and hotspot missions, what the airspace allows, files in and out."""
