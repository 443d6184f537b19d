-- Purpose: hours that units of each kind are on duty within each shift of a plan.
-- Inputs:  :place (jurisdiction), :numbers, :begins, :ends (arrays, one entry a shift).
-- Index:   ex_shift_interval (GiST on unit and time).
SELECT s.number AS shift_no, u.kind,
       sum(extract(epoch FROM least(h.ends_at, s.ends) - greatest(h.starts_at, s.begins))) / 3600
           AS hours
FROM unnest(CAST(:numbers AS int[]), CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[]))
     AS s (number, begins, ends)
JOIN shift h ON tstzrange(h.starts_at, h.ends_at) && tstzrange(s.begins, s.ends)
JOIN unit u USING (unit_id)
JOIN feed f ON f.feed_id = u.feed_id AND f.jurisdiction_id = :place
GROUP BY s.number, u.kind
