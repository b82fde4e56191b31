-- A part waits for what its parent needs, and is as urgent as it; a parent need not wait for every part.

ALTER TABLE tasks ADD COLUMN own_priority INTEGER; -- `priority` is what follows from it and from other tasks
UPDATE tasks SET own_priority = priority;
ALTER TABLE tasks ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0; -- whether its parent no longer waits for it
-- Whether states and priorities are what follows from the graph; the next opening brings them up to date.
ALTER TABLE meta ADD COLUMN is_derived INTEGER NOT NULL DEFAULT 0;
