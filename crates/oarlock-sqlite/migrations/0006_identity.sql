-- What tells a store from every other. A store that was made before gets an identity now: its numbers go on as they were, and
-- what it gave until here had no tag.
ALTER TABLE meta ADD COLUMN identity    TEXT    NOT NULL DEFAULT '00000000000000000000000000000000'; -- 32 hexadecimal digits
ALTER TABLE meta ADD COLUMN base        INTEGER NOT NULL DEFAULT 0; -- the number before that of the identity's first event
ALTER TABLE meta ADD COLUMN origin      INTEGER NOT NULL DEFAULT 0; -- the number before that of the log's first event
ALTER TABLE meta ADD COLUMN untagged_to INTEGER NOT NULL DEFAULT 0; -- the last number that was given without a tag

UPDATE meta SET
  identity = lower(hex(randomblob(16))),
  untagged_to = (SELECT coalesce(max(seq), 0) FROM events),
  -- The first number of its epoch; before the first restore that is 1.
  base = max(((SELECT coalesce(max(seq), 0) FROM events) >> 32 << 32) - 1, 0);
