-- Purpose: the statements that give one database the settings and grants of another, so that
--          a restored database behaves as the one that it replaces.
-- Inputs:  source and target, names of databases on this server.
-- Output:  one statement a row, in the order in which they are to be run.

WITH source AS (
    SELECT oid, datacl, datdba, datconnlimit, CAST(:target AS text) AS target
    FROM pg_database
    WHERE datname = CAST(:source AS text)
),
setting AS (
    SELECT target, s.setrole, split_part(item, '=', 1) AS name,
           substr(item, strpos(item, '=') + 1) AS value
    FROM source
    JOIN pg_db_role_setting AS s ON s.setdatabase = source.oid
    CROSS JOIN unnest(s.setconfig) AS item
)
SELECT statement
FROM (
    SELECT 1 AS step, format('ALTER DATABASE %I OWNER TO %I', target, pg_get_userbyid(datdba))
    FROM source
    WHERE pg_get_userbyid(datdba) <> current_user
    UNION ALL
    SELECT 2, format('ALTER DATABASE %I CONNECTION LIMIT %s', target, datconnlimit)
    FROM source
    WHERE datconnlimit <> -1
    UNION ALL
    SELECT 3, format('REVOKE ALL ON DATABASE %I FROM PUBLIC', target)
    FROM source
    WHERE datacl IS NOT NULL
    UNION ALL
    SELECT 4, format('GRANT %s ON DATABASE %I TO %s%s', acl.privilege_type, target,
                     CASE acl.grantee WHEN 0 THEN 'PUBLIC'
                     ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
                     CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM source
    CROSS JOIN aclexplode(source.datacl) AS acl
    WHERE acl.grantee <> source.datdba
    UNION ALL
    -- A list setting is stored as it is written; any other is one literal.
    SELECT 5, format('ALTER %sDATABASE %I SET %I TO %s',
                     CASE setrole WHEN 0 THEN ''
                     ELSE format('ROLE %I IN ', pg_get_userbyid(setrole)) END,
                     target, name,
                     CASE WHEN name IN ('search_path', 'session_preload_libraries',
                                        'local_preload_libraries', 'temp_tablespaces')
                     THEN value ELSE quote_literal(value) END)
    FROM setting
) AS statements (step, statement)
ORDER BY step, statement
