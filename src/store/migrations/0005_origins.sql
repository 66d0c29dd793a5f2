-- Where what is sealed under an owner may go, as JSON: what it was entered for, or confirmed since.
CREATE TABLE origins (
    owner {text} PRIMARY KEY,
    connection {text} NOT NULL,
    reach {text} NOT NULL
);
CREATE INDEX origins_connection ON origins (connection);
