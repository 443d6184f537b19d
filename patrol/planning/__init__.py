"""The desk of plans: edits, what they cost, who approved, what changed, and what was done."""
