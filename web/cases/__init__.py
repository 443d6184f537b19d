"""Cases as desks, tablets and walls see them: lists, one case, steps, and what comes in."""
