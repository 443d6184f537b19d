"""The road network: streets split at junctions, and the ways along them on foot or by car."""
