"""A simulated district with planted hotspots and trends, so that the truth is known."""
