-- Purpose: the newest classifier of a jurisdiction without its model, and the classes of its scheme
--          by code, {"0102": [category_id, name, name_en], ...}; of several versions the latest.
-- Inputs:  jurisdiction. Index: pk_classifier, read backwards.
SELECT k.classifier_id, k.sha256, k.threshold, k.version, (
    SELECT jsonb_object_agg(c.code, jsonb_build_array(c.category_id, c.name, c.name_en)
        ORDER BY e.valid_from, c.category_id)
    FROM category c JOIN category_scheme e USING (scheme_id) WHERE e.scheme = k.scheme) AS classes
FROM classifier k
WHERE k.jurisdiction_id = :jurisdiction
ORDER BY k.classifier_id DESC LIMIT 1
