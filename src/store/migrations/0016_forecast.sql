-- When a grant ends whatever is done, but for a person's consent; null where it does not, or nobody knows.
ALTER TABLE grants ADD COLUMN ends_at {integer};
-- From when on requests fail, in that order: of those alone that are going to, or do.
CREATE INDEX grants_fail ON grants (
    (CASE state WHEN 'failing' THEN COALESCE(expires_at, since) WHEN 'reauthorization_required' THEN since WHEN 'active' THEN ends_at END),
    owner, tenant, slot
) WHERE (CASE state WHEN 'failing' THEN COALESCE(expires_at, since) WHEN 'reauthorization_required' THEN since WHEN 'active' THEN ends_at END) IS NOT NULL;
