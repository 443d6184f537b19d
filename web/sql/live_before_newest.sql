-- Purpose: the number after which there are as many events as asked for, or all of them.
-- Inputs:  most. Index: pk_live_event, read backwards.
SELECT coalesce(min(event_id), 1) - 1
FROM (SELECT event_id FROM live_event ORDER BY event_id DESC LIMIT %(most)s) newest
