-- Purpose: number each audit entry and give it the digest of itself and of the one before it.
-- How:     an advisory lock, held to the end of the transaction, makes writers take turns, so that
--          numbers have no gap and the chain no fork. An entry is written last in a transaction.
-- Index:   pk_audit_entry, read backwards for the newest entry.

CREATE FUNCTION audit_digest(entry audit_entry) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(entry.prev_hash || convert_to(jsonb_build_object(
        'seq', entry.seq, 'at', extract(epoch FROM entry.at), 'account', entry.account_id,
        'actor', entry.actor, 'action', entry.action, 'object', entry.object,
        'address', entry.address, 'details', entry.details)::text, 'UTF8'))
$$;

CREATE FUNCTION chain_audit_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    newest audit_entry;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gridbeat:audit'));
    SELECT * INTO newest FROM audit_entry ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(newest.seq, 0) + 1;
    NEW.at := clock_timestamp();
    NEW.prev_hash := coalesce(newest.hash, sha256('gridbeat'));
    NEW.hash := audit_digest(NEW);
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE object_not_in_prerequisite_state
    USING MESSAGE = 'the audit log is only ever added to';
END $$;

CREATE TRIGGER audit_chain BEFORE INSERT ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION chain_audit_entry();
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
