-- The first schema. Migrations that have shipped are never changed.

CREATE TABLE meta (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  prefix      TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  next_lapse  INTEGER NOT NULL DEFAULT 9223372036854775807 -- no lease ends before this store time
) STRICT;

-- Store time = monotonic clock + offset, for each boot and time namespace.
CREATE TABLE clocks (
  boot_id        TEXT    NOT NULL,
  time_namespace TEXT    NOT NULL,
  offset_ms      INTEGER NOT NULL,
  skew_ms        INTEGER NOT NULL,
  PRIMARY KEY (boot_id, time_namespace)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq      INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  store_at INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  agent    TEXT,
  session  TEXT,
  prev     INTEGER,                       -- the event before, about the same task
  counts   TEXT    NOT NULL,              -- how many tasks are in each state after it
  data     TEXT    NOT NULL
) STRICT;

CREATE TABLE agents (
  name         TEXT    NOT NULL PRIMARY KEY,
  session      TEXT    NOT NULL,
  role         TEXT,
  capabilities TEXT    NOT NULL,
  program      TEXT,
  timeout_ms   INTEGER NOT NULL,
  max_claims   INTEGER,
  owner        TEXT,                      -- absent: it stands for no process
  host         TEXT    NOT NULL,
  boot_id      TEXT    NOT NULL,
  harness      TEXT,
  ended        TEXT,
  seen         INTEGER NOT NULL,
  seen_wall    INTEGER NOT NULL,
  beat         INTEGER NOT NULL,
  progressed   INTEGER NOT NULL,
  status       TEXT,
  action       TEXT,
  read_mark    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_owned ON agents (name) WHERE ended IS NULL AND owner IS NOT NULL;
CREATE INDEX agents_boots ON agents (boot_id) WHERE ended IS NULL;

CREATE TABLE tasks (
  seq           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL UNIQUE,
  state         INTEGER NOT NULL,
  priority      INTEGER NOT NULL,
  rank          INTEGER NOT NULL,
  ready_at      INTEGER,
  retry_at      INTEGER,
  not_before    INTEGER,
  parent        INTEGER REFERENCES tasks (seq),
  title         TEXT    NOT NULL,
  spec          TEXT    NOT NULL,         -- the rest of what was asked for, but the body
  has_body      INTEGER NOT NULL,         -- whether task_bodies has a row
  has_needs     INTEGER NOT NULL,         -- whether dependencies ever had one
  auto_finish   INTEGER NOT NULL,
  attempt       INTEGER NOT NULL,
  failures      INTEGER NOT NULL,
  losses        INTEGER NOT NULL,
  grant_token   INTEGER,
  grant_agent   TEXT,
  grant_session TEXT,
  grant_since   INTEGER,
  grant_renewed INTEGER,
  grant_ttl     INTEGER,
  grant_end     TEXT,
  progress      INTEGER,
  artifacts     TEXT,
  created_at    INTEGER NOT NULL,
  created_by    TEXT,
  updated_at    INTEGER NOT NULL,
  last_event    INTEGER NOT NULL,
  result        TEXT                      -- long, but written once and last
) STRICT;
CREATE INDEX tasks_ready ON tasks (rank, seq) WHERE state = 1;
CREATE INDEX tasks_ready_since ON tasks (ready_at) WHERE state = 1;
CREATE INDEX tasks_scheduled ON tasks (retry_at, not_before) WHERE state = 2;
CREATE INDEX tasks_held ON tasks (grant_session, grant_token, id) WHERE state = 3;
CREATE INDEX tasks_children ON tasks (parent, seq) WHERE parent IS NOT NULL;
CREATE INDEX tasks_open_children ON tasks (parent) WHERE parent IS NOT NULL AND state <> 6;
CREATE INDEX tasks_dead_ends ON tasks (seq) WHERE state >= 7;

-- Long texts, apart from the rows that change often.
CREATE TABLE task_bodies (
  seq  INTEGER PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE dependencies (
  task INTEGER NOT NULL,
  need INTEGER NOT NULL,
  PRIMARY KEY (task, need)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependencies_dependants ON dependencies (need, task);

CREATE TABLE entries (
  key        TEXT    NOT NULL PRIMARY KEY,
  value      TEXT,
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE reservations (
  seq        INTEGER PRIMARY KEY,
  target     TEXT    NOT NULL,
  mode       TEXT    NOT NULL,
  agent      TEXT    NOT NULL,
  session    TEXT    NOT NULL,
  task       TEXT,
  made       INTEGER NOT NULL,
  ttl_ms     INTEGER NOT NULL,
  reason     TEXT
) STRICT;
CREATE INDEX reservations_sessions ON reservations (session);
CREATE INDEX reservations_tasks ON reservations (task) WHERE task IS NOT NULL;
CREATE INDEX reservations_ends ON reservations (made + ttl_ms) WHERE task IS NULL;

CREATE TABLE messages (
  seq          INTEGER PRIMARY KEY,
  thread       TEXT    NOT NULL,
  sender       TEXT    NOT NULL,
  subject      TEXT,
  text         TEXT    NOT NULL,
  sent_at      INTEGER NOT NULL,
  reply_to     TEXT,
  ack_required INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_threads ON messages (thread, seq);

CREATE TABLE deliveries (
  agent   TEXT    NOT NULL,
  message INTEGER NOT NULL,
  acked   INTEGER NOT NULL,
  PRIMARY KEY (agent, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_open ON deliveries (agent, message) WHERE acked = 0;
CREATE INDEX deliveries_messages ON deliveries (message, agent);

-- What sessions are to be told with their next heartbeat.
CREATE TABLE notices (
  session   TEXT    NOT NULL,
  task      TEXT    NOT NULL,
  cancelled INTEGER NOT NULL,
  PRIMARY KEY (session, task, cancelled)
) STRICT, WITHOUT ROWID;

-- Claims that others' reservations keep waiting.
CREATE TABLE starved (
  task     TEXT    NOT NULL PRIMARY KEY,
  agent    TEXT    NOT NULL,
  wanted   TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  last_try INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Replies by idempotency key, in the order in which they were given, so that the old ones are found first. The key is a
-- hash, which lies anywhere: it has an index of its own, which is small, so that the replies need not lie anywhere.
CREATE TABLE replies (
  seq     INTEGER PRIMARY KEY,
  key     BLOB    NOT NULL,
  request BLOB    NOT NULL,
  at      INTEGER NOT NULL,
  reply   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX replies_keys ON replies (key);
