-- Purpose: the classes of problems that hold today, in the order of their codes.
SELECT c.category_id, e.scheme, c.code, c.name, c.name_en
FROM category c JOIN category_scheme e USING (scheme_id)
WHERE e.valid_from <= CURRENT_DATE AND CURRENT_DATE < e.valid_to
ORDER BY e.scheme, c.code
