-- Purpose: how alike a stored name is to an asked one, for looking addresses up. Both are brought
--          into one shape first: lower case, no spaces, nothing in brackets. Each is one expression,
--          so that the planner puts it into the query.
CREATE FUNCTION compared_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(regexp_replace(name, '[(（\[【][^)）\]】]*[)）\]】]|\s', '', 'g'))
$$;
CREATE FUNCTION match_name(name text, asked text) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (CASE
        WHEN name IS NULL OR name = '' OR asked = '' THEN 0
        WHEN name = asked THEN 1
        WHEN length(name) > 1 AND strpos(asked, name) > 0
            THEN 0.55 + 0.4 * length(name) / length(asked)
        WHEN strpos(name, asked) > 0 THEN 0.5 + 0.45 * length(asked) / length(name)
        ELSE similarity(name, asked)
    END)::real
$$;

-- Row security lets only leakproof operators use an index. Both compare and raise nothing.
DO $$
BEGIN
    ALTER FUNCTION similarity_op(text, text) LEAKPROOF;
    ALTER FUNCTION word_similarity_commutator_op(text, text) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'earlier addresses are looked up without their index until a superuser runs: '
        'ALTER FUNCTION similarity_op(text, text) LEAKPROOF; '
        'ALTER FUNCTION word_similarity_commutator_op(text, text) LEAKPROOF;';
END $$;
