-- Purpose: take the guards of plans away. Versions that only the new statuses know of become the
--          nearest that the old ones name.

DROP TRIGGER plan_moves ON plan;
DROP TRIGGER plan_stays ON plan;
DROP TRIGGER plan_item_stays ON plan_item;
DROP TRIGGER plan_item_comes ON plan_item;
DROP TRIGGER plan_step_moves ON plan_step;
DROP TRIGGER plan_step_stays ON plan_step;
DROP TRIGGER plan_edit_stays ON plan_edit;
DROP TRIGGER plan_edit_comes ON plan_edit;
DROP FUNCTION plan_step_moves, plan_moves_by_step, plan_history_stays, plan_rows_come_at_birth,
    plan_rows_stay;
UPDATE plan SET status = CASE status WHEN 'edited' THEN 'draft' ELSE 'published' END
WHERE status IN ('edited', 'executed', 'compared');
