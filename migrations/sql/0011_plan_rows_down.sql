-- Purpose: back to one item for each area of a plan: the minutes of its shifts and kinds together,
--          with the reason of the longest.

-- The owner is no superuser everywhere, and would see no row of a protected table.
ALTER TABLE plan_item NO FORCE ROW LEVEL SECURITY;

CREATE TEMPORARY TABLE whole_item ON COMMIT DROP AS
SELECT DISTINCT ON (plan_id, area_id) plan_id, area_id,
       (sum(minutes) OVER (PARTITION BY plan_id, area_id))::integer AS minutes,
       reason, reason_zh, reason_en
FROM plan_item ORDER BY plan_id, area_id, plan_item.minutes DESC, shift_no, unit_kind;

DELETE FROM plan_item;

ALTER TABLE plan_item DROP COLUMN shift_no, DROP COLUMN unit_kind;
ALTER TABLE plan_item ADD CONSTRAINT pk_plan_item PRIMARY KEY (plan_id, area_id);

INSERT INTO plan_item (plan_id, area_id, minutes, reason, reason_zh, reason_en)
SELECT plan_id, area_id, minutes, reason, reason_zh, reason_en FROM whole_item;

ALTER TABLE plan_item FORCE ROW LEVEL SECURITY;
DROP TABLE plan_shift;
