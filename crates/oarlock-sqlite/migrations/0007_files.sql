-- Tasks by the document that they were made from. Logs of before do not say which.
CREATE TABLE task_files (
  file TEXT    NOT NULL,
  task INTEGER NOT NULL,
  PRIMARY KEY (file, task)
) STRICT, WITHOUT ROWID;
