-- Purpose: incidents by the step in which they happened and the lag, in steps, of their report.
-- Inputs:  feed_ids; edges, the edges of the steps (ascending, timestamptz) through the newest
--          report's step; found_by; n_window, how many of the steps are counted.
-- Returns: step, lag (NULL without time of report), category_id, found_by, n. A report dated
--          before its incident has lag 0. Reports past the last edge get the lag after it.
-- Indexes: the partitions of incident by month.
SELECT step - 1 AS step,
       CASE WHEN reported_at IS NOT NULL THEN greatest(
           width_bucket(reported_at, CAST(:edges AS timestamptz[])) - step, 0) END AS lag,
       category_id, found_by, count(*) AS n
FROM (
    SELECT width_bucket(occurred_at, CAST(:edges AS timestamptz[])) AS step,
           reported_at, category_id, found_by
    FROM incident
    WHERE feed_id = ANY(CAST(:feed_ids AS integer[]))
      AND occurred_at >= CAST(:low AS timestamptz) AND occurred_at < CAST(:high AS timestamptz)
      AND found_by = ANY(CAST(:found_by AS text[]))
    OFFSET 0
) AS placed
GROUP BY 1, 2, 3, 4
