-- Purpose: keep (feed_id, source_ref) unique over all partitions of incident, which no index
--          on a table partitioned by time can do, and check the references of whole statements.
-- How:     statement triggers on the parent copy each statement's rows into incident_key, whose
--          primary key is the guarantee. The application may write to the parent only, never to
--          a partition, so no row gets past them.
-- Indexes: pk_incident_key (feed_id, source_ref), uq_incident_key_incident_id.

CREATE FUNCTION incident_references_exist() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    missing text;
BEGIN
    WITH w AS MATERIALIZED (
        SELECT DISTINCT category_id, feed_id, area_id, import_run_id FROM written
    )
    SELECT coalesce(
        (SELECT 'category_id ' || w.category_id FROM w
         WHERE NOT EXISTS (SELECT FROM category c WHERE c.category_id = w.category_id) LIMIT 1),
        (SELECT 'feed_id ' || w.feed_id FROM w
         WHERE NOT EXISTS (SELECT FROM feed f WHERE f.feed_id = w.feed_id) LIMIT 1),
        (SELECT 'area_id ' || w.area_id FROM w
         WHERE w.area_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM area a WHERE a.area_id = w.area_id) LIMIT 1),
        (SELECT 'import_run_id ' || w.import_run_id FROM w
         WHERE w.import_run_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM import_run r WHERE r.import_run_id = w.import_run_id)
         LIMIT 1)
    ) INTO missing;
    IF missing IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = 'incident refers to a missing ' || missing;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION incident_keys_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO incident_key
        (feed_id, source_ref, incident_id, occurred_at, content_hash, last_run_id)
    SELECT feed_id, source_ref, incident_id, occurred_at, content_hash, import_run_id FROM written;
    RETURN NULL;
END $$;

CREATE FUNCTION incident_keys_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM written w WHERE NOT EXISTS
               (SELECT FROM overwritten o
                WHERE o.incident_id = w.incident_id AND o.feed_id = w.feed_id
                  AND o.source_ref = w.source_ref)) THEN
        RAISE integrity_constraint_violation
        USING MESSAGE = 'an incident keeps its feed, source_ref and number for ever';
    END IF;
    UPDATE incident_key k SET occurred_at = w.occurred_at, content_hash = w.content_hash,
        last_run_id = w.import_run_id
    FROM written w WHERE k.feed_id = w.feed_id AND k.source_ref = w.source_ref;
    RETURN NULL;
END $$;

CREATE FUNCTION incident_keys_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM incident_key k USING overwritten o
    WHERE k.feed_id = o.feed_id AND k.source_ref = o.source_ref;
    RETURN NULL;
END $$;

CREATE FUNCTION incident_truncate_refused() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE object_not_in_prerequisite_state
    USING MESSAGE = 'incident cannot be truncated: incident_key must follow; use DELETE';
END $$;

CREATE TRIGGER incident_keys_insert AFTER INSERT ON incident
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION incident_keys_insert();
CREATE TRIGGER incident_references_insert AFTER INSERT ON incident
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION incident_references_exist();
CREATE TRIGGER incident_keys_update AFTER UPDATE ON incident
    REFERENCING OLD TABLE AS overwritten NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION incident_keys_update();
CREATE TRIGGER incident_references_update AFTER UPDATE ON incident
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION incident_references_exist();
CREATE TRIGGER incident_keys_delete AFTER DELETE ON incident
    REFERENCING OLD TABLE AS overwritten
    FOR EACH STATEMENT EXECUTE FUNCTION incident_keys_delete();
CREATE TRIGGER incident_truncate BEFORE TRUNCATE ON incident
    FOR EACH STATEMENT EXECUTE FUNCTION incident_truncate_refused();

-- What incidents refer to is retired by its validity, never deleted.
CREATE FUNCTION referenced_rows_stay() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation
    USING MESSAGE = TG_TABLE_NAME || ' rows are never deleted: incidents refer to them',
          HINT = 'End their validity instead.';
END $$;
CREATE TRIGGER area_stays BEFORE DELETE OR TRUNCATE ON area
    FOR EACH STATEMENT EXECUTE FUNCTION referenced_rows_stay();
CREATE TRIGGER category_stays BEFORE DELETE OR TRUNCATE ON category
    FOR EACH STATEMENT EXECUTE FUNCTION referenced_rows_stay();
CREATE TRIGGER feed_stays BEFORE DELETE OR TRUNCATE ON feed
    FOR EACH STATEMENT EXECUTE FUNCTION referenced_rows_stay();
CREATE TRIGGER import_run_stays BEFORE DELETE OR TRUNCATE ON import_run
    FOR EACH STATEMENT EXECUTE FUNCTION referenced_rows_stay();
