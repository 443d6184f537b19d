-- Purpose: the tables of a database that hold its owner's rows.
-- Output:  schema and name of each table and each partitioned table, without partitions,
--          tables of extensions, the schema's revision, and what the migrations fill.

SELECT namespace.nspname, class.relname
FROM pg_class AS class
JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p')
  AND NOT class.relispartition
  AND class.relpersistence <> 't'
  AND class.relname NOT IN ('alembic_version', 'case_need', 'case_rule', 'plan_rule')
  AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
  AND namespace.nspname NOT LIKE 'pg\_toast%'
  AND NOT EXISTS (
      SELECT FROM pg_depend
      WHERE pg_depend.classid = 'pg_class'::regclass
        AND pg_depend.objid = class.oid
        AND pg_depend.deptype = 'e'
  )
ORDER BY 1, 2
