-- Landing: the last submission of a task as JSON, because it is read and written as one; its place in the queue while it is on its way; and the
-- branch that it lands on, which is in `spec` too.
ALTER TABLE tasks ADD COLUMN landing TEXT;
ALTER TABLE tasks ADD COLUMN submission INTEGER;
ALTER TABLE tasks ADD COLUMN onto TEXT;

CREATE INDEX tasks_submitted ON tasks (submission) WHERE submission IS NOT NULL;
CREATE INDEX tasks_onto ON tasks (onto) WHERE onto IS NOT NULL;
