-- Links that tenants connect by. What is secret of a consent under way stands with the consent.
CREATE TABLE connect_sessions (
    -- A hash of the link's token.
    id {text} PRIMARY KEY,
    tenant {text} NOT NULL,
    -- open, done, ended, expired, or gone: its tenant was deleted; left as long as that is not told.
    state {text} NOT NULL,
    -- A hash of what the one browser has that connects by it; empty while none does.
    browser {text} NOT NULL,
    -- Empty for nowhere, and nobody in particular.
    return_url {text} NOT NULL,
    login_hint {text} NOT NULL,
    -- What is to be connected, and how that goes: JSON.
    items {text} NOT NULL,
    -- Counted with each write.
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    expires_at {integer} NOT NULL,
    -- When it came to its end, or will.
    over_at {integer} NOT NULL
);
CREATE INDEX connect_sessions_new ON connect_sessions (created_at, id);
CREATE INDEX connect_sessions_of ON connect_sessions (tenant, created_at, id);
CREATE INDEX connect_sessions_old ON connect_sessions (over_at, id);
CREATE INDEX connect_sessions_open ON connect_sessions (expires_at, id) WHERE state IN ('open', 'left');
-- The session that a consent belongs to; empty where it is asked for without one.
ALTER TABLE authorizations ADD COLUMN session {text} NOT NULL DEFAULT '';
-- 1 where it is over, and its tokens are kept aside until somebody says whether they are to be taken.
ALTER TABLE authorizations ADD COLUMN aside {integer} NOT NULL DEFAULT 0;
CREATE INDEX authorizations_session ON authorizations (session, id) WHERE session <> '';
