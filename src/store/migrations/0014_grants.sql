-- What is known of each token that has to be had, beside what it is had with. `slot`: that of the credential
-- that it is had with. What is secret of it is sealed in `credentials`.
CREATE TABLE grants (
    owner {text} NOT NULL,
    tenant {text} NOT NULL,
    slot {text} NOT NULL,
    -- Counts what was had: whoever puts a token in another's place says which.
    version {integer} NOT NULL,
    -- Of all that it is had with: with another credential it is another grant.
    fingerprint {text} NOT NULL,
    -- That of the grant that this one took the place of: it does not come back by itself.
    former {text} NOT NULL,
    -- Counts what was sealed: no two things that are sealed for one place are of one generation.
    generation {integer} NOT NULL,
    state {text} NOT NULL,
    since {integer} NOT NULL,
    why {text} NOT NULL,
    failures {integer} NOT NULL,
    -- Of all that the last try that failed was made with; empty where none did.
    tried_with {text} NOT NULL,
    -- When its token is to be renewed, or tried for again; null where that is not by itself.
    due_at {integer},
    -- When somebody looks at it next: then, later where nothing can be done about it, sooner where an attempt was left.
    look_at {integer},
    expires_at {integer},
    -- A message that is about to go out, or went: empty where there is none. Of which token, as a hash.
    attempt {text} NOT NULL,
    attempt_of {text} NOT NULL,
    attempt_at {integer} NOT NULL,
    -- Which replica may send one, until when, and how often that was somebody else.
    holder {text} NOT NULL,
    held_until {integer} NOT NULL,
    fence {integer} NOT NULL,
    PRIMARY KEY (owner, tenant, slot)
);
CREATE INDEX grants_due ON grants (look_at, owner, tenant, slot) WHERE look_at IS NOT NULL;
-- Those that are not as they should be.
CREATE INDEX grants_state ON grants (state) WHERE state <> 'active';
-- Few at any time: what somebody is at.
CREATE INDEX grants_held ON grants (holder) WHERE held_until > 0;
-- Few at any time: what is under way, and what a replica left when it died.
CREATE INDEX grants_open ON grants (attempt_at, owner, tenant, slot) WHERE attempt <> '';
