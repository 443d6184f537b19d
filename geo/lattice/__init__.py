"""The regular analysis lattice: square or hexagonal cells, never an official grid."""
