"""People and posts: who holds which role where, who is on duty, where somebody is missing."""
