-- Purpose: how many units of each kind a jurisdiction has, where no calendar says who is on duty.
-- Inputs:  :place (jurisdiction).
SELECT u.kind, count(*) AS units
FROM unit u JOIN feed f ON f.feed_id = u.feed_id AND f.jurisdiction_id = :place
WHERE NOT EXISTS (
    SELECT FROM shift h JOIN unit o USING (unit_id) JOIN feed g ON g.feed_id = o.feed_id
    WHERE g.jurisdiction_id = :place)
GROUP BY u.kind
