"""The monthly brief of a grid, written from its data in Chinese and English."""
