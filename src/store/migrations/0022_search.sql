-- What lists are searched in: key and name in small letters, made of the row by attache. Not in its checksum. Rows of
-- before get theirs with this step.
ALTER TABLE connectors ADD COLUMN words {text} NOT NULL DEFAULT '';
ALTER TABLE integrations ADD COLUMN words {text} NOT NULL DEFAULT '';
ALTER TABLE environments ADD COLUMN words {text} NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN words {text} NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN words {text} NOT NULL DEFAULT '';
ALTER TABLE callers ADD COLUMN words {text} NOT NULL DEFAULT '';
-- So that a search goes through a million without the rows themselves.
CREATE INDEX tenants_words ON tenants (key, words);
