-- Random for each change: tells one history of changes from another that is as long, as after a backup was
-- restored. 0 for those of before.
ALTER TABLE changes ADD COLUMN tag {integer} NOT NULL DEFAULT 0;

-- Who deleted what, and when.
CREATE INDEX changes_of ON changes (kind, key, revision);
