"""Responsibility grids: check them, draw them, number them, change them with history."""
