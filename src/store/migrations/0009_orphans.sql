-- Owners that are not there any more, of whose activations and credentials some are: they go bit by bit.
CREATE TABLE orphans (
    owner {text} PRIMARY KEY,
    at {integer} NOT NULL
);
