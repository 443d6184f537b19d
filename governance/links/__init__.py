"""Links to other platforms, such as the district's: signed messages out and in, each once."""
