-- Purpose: the classes of today's editions as Open311 services. Few rows, so no index.
SELECT json_build_object(
    'service_code', c.category_id::text,
    'service_name', CASE %(lang)s WHEN 'en' THEN c.name_en ELSE c.name END,
    'description', s.scheme || '/' || c.code,
    'metadata', false, 'type', 'realtime', 'keywords', c.code,
    'group', coalesce(c.group_code, s.scheme))
FROM category c JOIN category_scheme s USING (scheme_id)
WHERE s.valid_from <= now()::date AND s.valid_to > now()::date
  AND (%(code)s::integer IS NULL OR c.category_id = %(code)s)
ORDER BY s.scheme, c.code
