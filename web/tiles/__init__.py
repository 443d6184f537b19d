"""Vector tiles, made by PostGIS and kept until what they show changes."""
