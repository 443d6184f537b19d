"""Coordinates: systems, Chinese offsets, and why points fall outside."""
