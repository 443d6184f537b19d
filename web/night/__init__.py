"""The night run: every part from results to a draft, as one job."""
