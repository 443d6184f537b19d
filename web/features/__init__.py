"""OGC API Features: which tables are collections, and how a request becomes one query."""
