"""Where things are: coordinates, lattice, grids, imports and the database they live in."""
