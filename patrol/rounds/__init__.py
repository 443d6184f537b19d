"""Which cameras a desk looks at, and when."""
