-- Purpose: write a transition and give the case after it, or what the guard refused; see 0032.
-- Inputs:  given, the transition's columns as JSON.
SELECT t.refused, t.message, (t.after).case_id, (t.after).number, (t.after).state,
    (t.after).state_since, (t.after).version, (t.after).level, (t.after).category_id,
    (t.after).department_id, (t.after).handler, (t.after).due_at, (t.after).due_provisional,
    (t.after).handle_due_at, (t.after).first_due_at, (t.after).extension_asked_by,
    (t.after).first_department_id, (t.after).may_object, (t.after).last_at
FROM take_step(CAST(:given AS jsonb)) t
