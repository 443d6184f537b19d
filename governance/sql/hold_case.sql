-- Purpose: hold a case for a step, with what the step looks at; see the function in 0032.
-- Inputs:  case, request, category (of the step, or null). Index: pk_case_file,
--          uq_case_transition_request_id.
SELECT (h.held).case_id, (h.held).number, (h.held).state, (h.held).state_since, (h.held).version,
    (h.held).level, (h.held).category_id, (h.held).department_id, (h.held).handler,
    (h.held).due_at, (h.held).due_provisional, (h.held).handle_due_at, (h.held).first_due_at,
    (h.held).extension_asked_by, (h.held).first_department_id, (h.held).may_object,
    (h.held).last_at, (h.held).jurisdiction_id, h.done_case, h.done_action, h.done_actor, h.limits
FROM hold_case(:case, :request, :category) h
