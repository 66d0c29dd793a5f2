CREATE TABLE tenants (
    key {text} PRIMARY KEY,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    definition {text} NOT NULL
);

-- `owner`: the connection's id, or `file:` and the key of one that a file declares.
CREATE TABLE activations (
    owner {text} NOT NULL,
    tenant {text} NOT NULL,
    version {integer} NOT NULL,
    created_at {integer} NOT NULL,
    updated_at {integer} NOT NULL,
    updated_by {text} NOT NULL,
    checksum {text} NOT NULL,
    connection {text} NOT NULL,
    enabled {integer} NOT NULL,
    definition {text} NOT NULL,
    PRIMARY KEY (owner, tenant)
);
CREATE INDEX activations_tenant ON activations (tenant, owner);

-- All that is sealed, whatever it belongs to.
CREATE TABLE credentials (
    owner {text} NOT NULL,
    tenant {text} NOT NULL,
    slot {text} NOT NULL,
    generation {integer} NOT NULL,
    key_id {text} NOT NULL,
    wrapped {bytes} NOT NULL,
    fields {text} NOT NULL,
    PRIMARY KEY (owner, tenant, slot)
);
CREATE INDEX credentials_key ON credentials (key_id, owner, tenant, slot);
