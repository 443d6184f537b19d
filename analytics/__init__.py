"""What is happening: space-time cubes, hotspots and trends."""
