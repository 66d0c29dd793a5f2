-- Consents that somebody was asked for, until they are given, refused or too old. What is secret of each is sealed in
-- `credentials`, whose owner is `authorization:` and the id.
CREATE TABLE authorizations (
    -- A hash of the state that the provider gives back; of one that is given on another device, random.
    id {text} PRIMARY KEY,
    -- Whose tokens it is for.
    owner {text} NOT NULL,
    tenant {text} NOT NULL,
    slot {text} NOT NULL,
    connection {text} NOT NULL,
    -- Of what was sealed.
    generation {integer} NOT NULL,
    created_at {integer} NOT NULL,
    expires_at {integer} NOT NULL,
    -- Of one on another device: when the provider is asked next, null where it is not any more, and how long is
    -- waited between two questions.
    next_at {integer},
    interval_ms {integer} NOT NULL,
    -- Why nothing came of it; empty while it is under way.
    why {text} NOT NULL
);
CREATE INDEX authorizations_of ON authorizations (owner, tenant, slot, created_at);
CREATE INDEX authorizations_due ON authorizations (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX authorizations_old ON authorizations (expires_at, id);
