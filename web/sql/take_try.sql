-- Purpose: take one try from a bucket that fills at a rate; no row comes back when it is empty.
-- Index:   pk_rate_bucket. One statement, so that two requests at once cannot take the same try.
INSERT INTO rate_bucket AS b (bucket, tokens, filled_at)
VALUES (%(bucket)s, %(tries)s - 1, now())
ON CONFLICT (bucket) DO UPDATE
SET tokens = least(%(tries)s, b.tokens + extract(epoch FROM now() - b.filled_at) * %(rate)s) - 1,
    filled_at = now()
WHERE least(%(tries)s, b.tokens + extract(epoch FROM now() - b.filled_at) * %(rate)s) >= 1
RETURNING tokens
