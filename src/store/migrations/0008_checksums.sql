-- So that a damaged row is found rather than used. Rows of before get theirs with this step.
ALTER TABLE caller_keys ADD COLUMN checksum {text} NOT NULL DEFAULT '';
ALTER TABLE origins ADD COLUMN checksum {text} NOT NULL DEFAULT '';

-- A request was known by a hash without a key, by which its secrets could be guessed. A request of before that
-- comes again is told that its key was used.
UPDATE idempotency SET request = CAST('' AS {bytes});
