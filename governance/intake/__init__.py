"""Intake: one number takes a report in; class, duplicates and department are proposed."""
