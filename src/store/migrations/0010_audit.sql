-- Who did what, from what to what: numbered from 1 without gaps, each entry chained to the one before it by a MAC.
CREATE TABLE audit (
    seq {integer} PRIMARY KEY,
    at {integer} NOT NULL,
    who {text} NOT NULL,
    act {text} NOT NULL,
    kind {text} NOT NULL,
    key {text} NOT NULL,
    tenant {text} NOT NULL,
    revision {integer} NOT NULL,
    was {text} NOT NULL,
    became {text} NOT NULL,
    prior {bytes} NOT NULL,
    mac {bytes} NOT NULL
);
CREATE INDEX audit_of ON audit (kind, key, seq);
CREATE INDEX audit_who ON audit (who, seq);
CREATE INDEX audit_tenant ON audit (tenant, seq) WHERE tenant <> '';
CREATE INDEX audit_at ON audit (at);

-- The end of it: so that entries that are cut off are missed.
ALTER TABLE deployment ADD COLUMN audit_seq {integer} NOT NULL DEFAULT 0;
ALTER TABLE deployment ADD COLUMN audit_mac {bytes} NOT NULL DEFAULT '';
ALTER TABLE deployment ADD COLUMN audit_head {bytes} NOT NULL DEFAULT '';
