-- Purpose: which references this run has met already, for kinds that are not looked up by run.
-- Inputs:  none; lives as long as the session.
CREATE TEMPORARY TABLE IF NOT EXISTS seen_asset (source_ref text PRIMARY KEY);
TRUNCATE seen_asset
