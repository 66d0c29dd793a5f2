-- Whose account at the provider an activation's credential is; empty where nobody knows. They are told by the provider
-- and not written by anybody: the row's version and checksum do not count them.
ALTER TABLE activations ADD COLUMN account_id {text} NOT NULL DEFAULT '';
ALTER TABLE activations ADD COLUMN account_name {text} NOT NULL DEFAULT '';
