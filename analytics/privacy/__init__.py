"""What may leave the house: counts that name nobody, and points that lead to nobody's door."""
