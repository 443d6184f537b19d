"""Who was watched, who speaks up: what that does to counts, and how it is taken out again."""
