-- Who is told of events, by requests of ours. What they are signed with is in `credentials`, under the id.
CREATE TABLE event_subscriptions (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    id {text} NOT NULL UNIQUE,
    enabled {integer} NOT NULL,
    definition {text} NOT NULL
);

-- How far each is, and which replica sends to it. No definition: it moves with every delivery.
CREATE TABLE event_feeds (
    subscription {text} PRIMARY KEY,
    -- The last event that was made a delivery of, or passed over.
    taken {integer} NOT NULL,
    holder {text} NOT NULL,
    held_until {integer} NOT NULL,
    -- Nothing is sent before: the receiver failed. How often in a row, and since when; 0 where it answers.
    paused_until {integer} NOT NULL,
    failures {integer} NOT NULL,
    failing_since {integer} NOT NULL
);

-- What is to be sent, or was. At least once: a row goes from `pending` to `delivered` after the answer.
CREATE TABLE deliveries (
    subscription {text} NOT NULL,
    event {integer} NOT NULL,
    state {text} NOT NULL,
    attempts {integer} NOT NULL,
    next_at {integer} NOT NULL,
    -- The last attempt: when, and its status; 0 where none came, and then why.
    last_at {integer} NOT NULL,
    last_status {integer} NOT NULL,
    last_problem {text} NOT NULL,
    created_at {integer} NOT NULL,
    PRIMARY KEY (subscription, event)
);
CREATE INDEX deliveries_due ON deliveries (subscription, next_at, event) WHERE state = 'pending';
CREATE INDEX deliveries_done ON deliveries (last_at) WHERE state <> 'pending';
