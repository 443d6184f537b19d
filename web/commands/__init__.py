"""The commands of `gridbeat`, one module a group."""
