-- Purpose: who may do what with photos, visits of stops, and what tablets sent.
-- How:     a photo follows the ground of its report or case; its record is never changed. What a
--          tablet sent belongs to its account: every query of it names the account.
GRANT SELECT, INSERT ON case_photo, stop_visit, field_entry TO gridbeat_app, gridbeat_web;
GRANT UPDATE (left_at) ON stop_visit TO gridbeat_app, gridbeat_web;
GRANT DELETE ON field_entry TO gridbeat_app;
SELECT protect_rows('case_photo', 'area or place'), protect_rows('stop_visit', 'area');
-- Filing a report records its incident once, by its number in its feed.
GRANT SELECT (feed_id, source_ref) ON incident_key TO gridbeat_web;
