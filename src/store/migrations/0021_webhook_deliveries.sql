-- Deliveries that senders made, and what became of each, for people who look at them or send one again.
CREATE TABLE webhook_deliveries (
    -- A UUID of version 7: sorts by when the delivery came, and is the id that its sender was told.
    id {text} PRIMARY KEY,
    -- Whose credential it was verified with: the id of a stored connection, or file: and the key of one in a file.
    owner {text} NOT NULL,
    connection {text} NOT NULL,
    -- Empty where it is nobody's in particular.
    tenant {text} NOT NULL,
    at {integer} NOT NULL,
    verdict {text} NOT NULL,
    -- Empty where the answer was not attache's own.
    code {text} NOT NULL,
    status {integer} NOT NULL,
    -- 0 where the target was not asked, or did not answer.
    target_status {integer} NOT NULL,
    -- The sender's own id for it; empty where it has none.
    webhook_id {text} NOT NULL,
    method {text} NOT NULL,
    -- Without the query, which may hold secrets.
    path {text} NOT NULL,
    bytes {integer} NOT NULL,
    took_us {integer} NOT NULL,
    -- The delivery that was sent again by it; empty where it is no replay.
    replay_of {text} NOT NULL,
    can_replay {integer} NOT NULL,
    -- Sealed: path, query, headers and body. Empty where nothing of it is kept. Last, so that lists do not read it.
    contents {bytes} NOT NULL
);
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (owner, id);
CREATE INDEX webhook_deliveries_of_verdict ON webhook_deliveries (owner, verdict, id);
CREATE INDEX webhook_deliveries_verdict ON webhook_deliveries (verdict, id);
CREATE INDEX webhook_deliveries_tenant ON webhook_deliveries (tenant, id) WHERE tenant <> '';
-- Whose deliveries are gone, those before this time: out of sight at once, and deleted bit by bit.
CREATE TABLE webhook_deliveries_gone (
    owner {text} NOT NULL,
    -- Empty for all of the owner's.
    tenant {text} NOT NULL,
    before {integer} NOT NULL,
    PRIMARY KEY (owner, tenant)
);
