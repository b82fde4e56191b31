-- News of any kind for a session, as JSON: {"lost":"T-1"}.
CREATE TABLE news (
  session TEXT NOT NULL,
  news    TEXT NOT NULL,
  PRIMARY KEY (session, news)
) STRICT, WITHOUT ROWID;
INSERT INTO news (session, news)
  SELECT session, json_object(CASE WHEN cancelled THEN 'cancelled' ELSE 'lost' END, task) FROM notices;
DROP TABLE notices;
