-- What happened, for whoever follows it: numbered from 1 without gaps, in the order of the commits.
CREATE TABLE events (
    seq {integer} PRIMARY KEY,
    id {text} NOT NULL UNIQUE,
    at {integer} NOT NULL,
    type {text} NOT NULL,
    connection {text} NOT NULL,
    tenant {text} NOT NULL,
    environment {text} NOT NULL,
    data {text} NOT NULL
);
CREATE INDEX events_type ON events (type, seq);
CREATE INDEX events_at ON events (at);

ALTER TABLE deployment ADD COLUMN events_seq {integer} NOT NULL DEFAULT 0;

-- Whose credential upstreams refuse, as long as they do: so that one replica tells of it, and of its end.
CREATE TABLE refused (
    connection {text} NOT NULL,
    tenant {text} NOT NULL,
    since {integer} NOT NULL,
    PRIMARY KEY (connection, tenant)
);
