-- Deliveries that senders made to connections: those that are being forwarded, and those that were accepted.
CREATE TABLE received (
    -- A hash of connection, tenant and whatever the delivery is known by.
    id {bytes} PRIMARY KEY,
    connection {text} NOT NULL,
    -- The attache that forwards it; empty once it was accepted.
    holder {text} NOT NULL,
    -- From then on it is as if it were not here: the holder is dead, or nobody has to remember it any more.
    until {integer} NOT NULL
);
CREATE INDEX received_old ON received (until);
-- Those that were accepted, newest and oldest found without the table itself. Claims are not in it.
CREATE INDEX received_of ON received (connection, until, holder) WHERE holder = '';
-- When it was told last that a connection's deliveries are refused, for each reason.
CREATE TABLE webhook_refusals (
    connection {text} NOT NULL,
    reason {text} NOT NULL,
    told_at {integer} NOT NULL,
    PRIMARY KEY (connection, reason)
);
