-- Purpose: cells that patrols came through in the last day, and in a usual day of the week before.
-- Inputs:  place, now. Index: the primary key of effort within a month's partition.
SELECT count(DISTINCT (i, j)) FILTER (WHERE back = 0)::int AS today,
    (count(DISTINCT (i, j, back)) FILTER (WHERE back BETWEEN 1 AND 7) / 7.0)::float8 AS usual
FROM (SELECT i, j, floor(extract(epoch FROM %(now)s::timestamptz - hour) / 86400)::int AS back
    FROM effort WHERE jurisdiction_id = %(place)s AND source <> 'camera'
        AND hour > %(now)s::timestamptz - interval '8 days' AND hour <= %(now)s) e
