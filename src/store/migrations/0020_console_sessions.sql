-- Browsers that operators are signed in with. Nobody is one of them by what stands here.
CREATE TABLE console_sessions (
    -- SHA-256 of what the browser's cookie has.
    id {bytes} PRIMARY KEY,
    -- token or oidc: how the operator has proved itself.
    via {text} NOT NULL,
    -- The key of the token, or what the identity provider calls the person.
    name {text} NOT NULL,
    role {text} NOT NULL,
    -- Tells the token or the person from every other of its name.
    identity {text} NOT NULL,
    -- A hash of the token that was shown, by which it is looked up each time; empty where there was none.
    proof {bytes} NOT NULL,
    created_at {integer} NOT NULL,
    -- When something was asked with it, to within a minute.
    seen_at {integer} NOT NULL,
    -- However much is asked with it.
    expires_at {integer} NOT NULL
);
CREATE INDEX console_sessions_of ON console_sessions (identity, created_at, id);
CREATE INDEX console_sessions_new ON console_sessions (created_at, id);
CREATE INDEX console_sessions_old ON console_sessions (expires_at, id);
-- Sign-ins by an identity provider that were used: none is a second time.
CREATE TABLE console_sign_ins (
    -- SHA-256 of what the browser's cookie had.
    id {bytes} PRIMARY KEY,
    -- From then on it is too old by itself.
    expires_at {integer} NOT NULL
);
CREATE INDEX console_sign_ins_old ON console_sign_ins (expires_at, id);
