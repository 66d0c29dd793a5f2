-- What a delivery takes of the disk, about, in bytes. Of rows of before it is not known: they go with their time.
ALTER TABLE webhook_deliveries ADD COLUMN size {integer} NOT NULL DEFAULT 0;
-- So that it is added up without the rows themselves.
CREATE INDEX webhook_deliveries_size ON webhook_deliveries (id, size);
DROP INDEX webhook_deliveries_verdict;
CREATE INDEX webhook_deliveries_verdict ON webhook_deliveries (verdict, id, size);
CREATE INDEX webhook_deliveries_gone_old ON webhook_deliveries_gone (before);
