"""Files into the database: mapping, checks, staging, quarantine, lineage."""
