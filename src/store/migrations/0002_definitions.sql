CREATE TABLE connectors (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    definition {text} NOT NULL,
    methods {text} NOT NULL
);

-- Immutable: a change of a method is another revision.
CREATE TABLE auth_methods (
    connector {text} NOT NULL,
    method {text} NOT NULL,
    revision {integer} NOT NULL,
    created_at {integer} NOT NULL,
    created_by {text} NOT NULL,
    checksum {text} NOT NULL,
    definition {text} NOT NULL,
    PRIMARY KEY (connector, method, revision)
);

CREATE TABLE integrations (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    definition {text} NOT NULL,
    links {text} NOT NULL
);

-- An index of the links above, by connector.
CREATE TABLE integration_links (
    integration {text} NOT NULL REFERENCES integrations (key) ON DELETE CASCADE,
    alias {text} NOT NULL,
    connector {text} NOT NULL,
    PRIMARY KEY (integration, alias)
);
CREATE INDEX integration_links_connector ON integration_links (connector);

CREATE TABLE environments (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    integration {text} NOT NULL,
    deployed {integer} NOT NULL,
    definition {text} NOT NULL,
    assign {text} NOT NULL
);
CREATE INDEX environments_integration ON environments (integration);

-- An index of the assignments above, by connection.
CREATE TABLE assignments (
    environment {text} NOT NULL REFERENCES environments (key) ON DELETE CASCADE,
    alias {text} NOT NULL,
    connection {text} NOT NULL,
    PRIMARY KEY (environment, alias)
);
CREATE INDEX assignments_connection ON assignments (connection);

CREATE TABLE connections (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    id {text} NOT NULL UNIQUE,
    connector {text} NOT NULL,
    method {text} NOT NULL,
    revision {integer} NOT NULL,
    embedded {integer} NOT NULL,
    enabled {integer} NOT NULL,
    definition {text} NOT NULL
);
CREATE INDEX connections_connector ON connections (connector, method);
