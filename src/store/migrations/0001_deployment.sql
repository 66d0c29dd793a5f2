-- One row: this deployment, and how many changes were made to it.
CREATE TABLE deployment (
    id {integer} PRIMARY KEY,
    name {text} NOT NULL,
    revision {integer} NOT NULL,
    created_at {integer} NOT NULL
);

-- What was changed, in the order of the commits: one row for each thing, one revision for each row.
CREATE TABLE changes (
    revision {integer} PRIMARY KEY,
    kind {text} NOT NULL,
    key {text} NOT NULL,
    tenant {text} NOT NULL,
    who {text} NOT NULL,
    at {integer} NOT NULL
);
CREATE INDEX changes_at ON changes (at);
