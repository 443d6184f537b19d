-- Purpose: the next events after one that was seen, in their order.
-- Inputs:  after, most. Index: pk_live_event.
SELECT event_id, extract(epoch FROM at)::float8, kind, jurisdiction_id, area_id, category_id, body
FROM live_event WHERE event_id > %(after)s ORDER BY event_id LIMIT %(most)s
