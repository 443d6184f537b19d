"""The private PostGIS that Gridbeat starts itself when no database is named."""
