"""What the command line, the API and the page share of plans."""
