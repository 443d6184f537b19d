-- Purpose: arrays of numbers out of millions of rows, made by several processes at once.
-- How:     PostgreSQL 15 gathers with array_agg in one process only, to which the others must hand
--          every row. This aggregate has a combine function, so that each process makes an array of
--          the rows it has read. The order within is theirs, but one for all arrays of a question.
CREATE AGGREGATE gathered(anycompatible) (
    sfunc = array_append, stype = anycompatiblearray, combinefunc = array_cat, initcond = '{}',
    parallel = safe
);
GRANT EXECUTE ON FUNCTION gathered(anycompatible) TO gridbeat_app, gridbeat_web;
