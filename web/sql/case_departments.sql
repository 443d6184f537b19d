-- Purpose: the departments that a case may be sent to.
SELECT department_id, jurisdiction_id, code, name, name_en, level FROM department ORDER BY code
