"""Which polygon holds each point: exactly one, for millions of points."""
