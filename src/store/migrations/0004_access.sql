CREATE TABLE callers (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    definition {text} NOT NULL
);

CREATE TABLE caller_keys (
    hash {bytes} PRIMARY KEY,
    caller {text} NOT NULL REFERENCES callers (key) ON DELETE CASCADE,
    prefix {text} NOT NULL,
    created_at {integer} NOT NULL,
    expires_at {integer}
);
CREATE INDEX caller_keys_caller ON caller_keys (caller);

CREATE TABLE tokens (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    role {text} NOT NULL,
    hash {bytes} NOT NULL UNIQUE,
    prefix {text} NOT NULL,
    expires_at {integer}
);

-- Creates that were asked for under an `Idempotency-Key`; the answers are sealed, in `credentials`.
CREATE TABLE idempotency (
    token {text} NOT NULL,
    key {text} NOT NULL,
    request {bytes} NOT NULL,
    claimed_at {integer} NOT NULL,
    status {integer},
    PRIMARY KEY (token, key)
);
CREATE INDEX idempotency_claimed ON idempotency (claimed_at);
