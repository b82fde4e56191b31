-- Why the last attempt at a task was rejected or failed, until it is handed in again: the next holder is told.

ALTER TABLE tasks ADD COLUMN rejected TEXT;
ALTER TABLE tasks ADD COLUMN last_failure TEXT;

-- The log knows the reasons of tasks that are there already. Of each group the columns are those of its last event (max), and an
-- event that hands a task in has no reason.
UPDATE tasks SET rejected = last.reason FROM (
  SELECT json_extract(data, '$.id') AS id, json_extract(data, '$.reason') AS reason, max(seq) AS seq
  FROM events WHERE kind IN ('task_rejected', 'task_submitted', 'task_done') GROUP BY 1
) AS last WHERE last.id = tasks.id AND last.seq > 0;
UPDATE tasks SET last_failure = last.reason FROM (
  SELECT json_extract(data, '$.id') AS id, json_extract(data, '$.reason') AS reason, max(seq) AS seq
  FROM events WHERE kind IN ('task_failed', 'task_submitted', 'task_done') GROUP BY 1
) AS last WHERE last.id = tasks.id AND last.seq > 0;
