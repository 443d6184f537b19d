"""The database: connections, schema, state, backup and restore."""
