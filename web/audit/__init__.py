"""Who did what: the append-only, hash-chained log."""
