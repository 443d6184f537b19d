"""Hours of each kind of unit over grids and shifts: need, rules, the best sharing, its price."""
