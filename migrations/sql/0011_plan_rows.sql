-- Purpose: a plan says who goes in which shift: its shifts, and one item for each area, shift and
--          kind of unit.
-- How:     a plan that was made before had one shift, the whole local day, and hours on foot.

-- The owner is no superuser everywhere, and would see no row of a protected table.
ALTER TABLE plan NO FORCE ROW LEVEL SECURITY;
ALTER TABLE jurisdiction NO FORCE ROW LEVEL SECURITY;

INSERT INTO plan_shift (plan_id, shift_no, name_zh, name_en, starts_at, ends_at)
SELECT p.plan_id, 1, '全天', 'all day',
       p.plan_date::timestamp AT TIME ZONE j.time_zone,
       (p.plan_date + 1)::timestamp AT TIME ZONE j.time_zone
FROM plan p JOIN jurisdiction j USING (jurisdiction_id);

ALTER TABLE plan FORCE ROW LEVEL SECURITY;
ALTER TABLE jurisdiction FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON plan_shift TO gridbeat_app;
GRANT INSERT, UPDATE, DELETE ON plan_shift TO gridbeat_web;
SELECT protect_rows('plan_shift', 'signed in');
