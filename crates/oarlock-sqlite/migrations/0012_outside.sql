-- Who has a task outside of the store, or had it last: as JSON, because it is read and written as one. A task that is held so is claimed and
-- has no lease: whatever is asked about leases leaves it out.
ALTER TABLE tasks ADD COLUMN outside TEXT;

DROP INDEX tasks_held;
CREATE INDEX tasks_held ON tasks (grant_session, grant_token, id) WHERE state = 3 AND outside IS NULL;
CREATE INDEX tasks_outside ON tasks (seq) WHERE outside IS NOT NULL;
