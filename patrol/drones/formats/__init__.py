"""Mission files of ground stations and aircraft, in and out."""
