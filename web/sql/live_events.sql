-- Purpose: the next events after one that was seen, in their order, each as the JSON that is sent.
-- Inputs:  after, most. Index: pk_live_event.
SELECT event_id, kind, area_id, category_id, (jsonb_build_object(
    'at', extract(epoch FROM at), 'area_id', area_id, 'category_id', category_id) || body)::text
FROM live_event WHERE event_id > %(after)s ORDER BY event_id LIMIT %(most)s
