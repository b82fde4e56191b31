-- Proposals and their votes. A vote is one of the options, word by word.
CREATE TABLE proposals (
  seq       INTEGER PRIMARY KEY,
  question  TEXT    NOT NULL,
  options   TEXT    NOT NULL,
  quorum    TEXT    NOT NULL,
  electors  TEXT    NOT NULL,
  opened_by TEXT,
  opened_at INTEGER NOT NULL,
  closes_at INTEGER,                       -- store time; absent without a deadline
  closed_by TEXT,                          -- absent while it is open
  decision  TEXT
) STRICT;

-- The open ones; those that were closed are never searched.
CREATE INDEX proposals_open ON proposals (closes_at) WHERE closed_by IS NULL;

CREATE TABLE votes (
  proposal INTEGER NOT NULL,
  voter    TEXT    NOT NULL,
  choice   TEXT    NOT NULL,
  PRIMARY KEY (proposal, voter)
) STRICT, WITHOUT ROWID;
