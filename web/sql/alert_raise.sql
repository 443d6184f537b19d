-- Purpose: raise an alert, or note that an open one goes on.
SELECT raise_alert(%(kind)s, %(place)s, %(area)s, %(subject)s, %(severity)s, %(title_zh)s, %(title_en)s,
    %(body)s::jsonb)
