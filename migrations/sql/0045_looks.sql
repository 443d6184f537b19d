-- The later of two looks in each hour of the week. A loop over the array takes a third of what
-- taking it apart into rows and together again did.
CREATE OR REPLACE FUNCTION latest_hours(one integer[], other integer[]) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    FOR n IN 1 .. cardinality(other) LOOP
        IF other[n] > one[n] THEN
            one[n] := other[n];
        END IF;
    END LOOP;
    RETURN one;
END $$;

-- A week of looks, of which only the hours that were seen are given: 1 is Monday 0 h.
CREATE FUNCTION hours_of_looks(of_week integer[], hours integer[]) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    week integer[] := array_fill(0, ARRAY[168]);
BEGIN
    FOR n IN 1 .. cardinality(of_week) LOOP
        week[of_week[n]] := hours[n];
    END LOOP;
    RETURN week;
END $$;
