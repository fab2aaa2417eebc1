-- Version 1 of the state database. Instants are UTC nanoseconds; JSON is text.

CREATE TABLE alerts (
  id         BLOB NOT NULL PRIMARY KEY,
  agency     TEXT NOT NULL,
  rule_id    TEXT NOT NULL,
  level      INTEGER NOT NULL,          -- 0 informational … 4 critical
  status     INTEGER NOT NULL,          -- 0 new, 1 acknowledged, 2 true positive, 3 false positive, 4 benign
  assignee   TEXT,
  raised     INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  drill      INTEGER NOT NULL,
  version    INTEGER NOT NULL,          -- decisions of people, for optimistic locking
  rule       TEXT NOT NULL,             -- JSON
  tags       TEXT NOT NULL,             -- JSON array of the rule's tags
  entities   TEXT NOT NULL,             -- JSON
  grouping   TEXT NOT NULL,             -- JSON array
  matched    TEXT NOT NULL,             -- JSON
  events     TEXT NOT NULL,             -- JSON array of ids
  summary    TEXT NOT NULL,
  search     TEXT NOT NULL              -- folded title, summary, entities, rule id
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_raised ON alerts (raised DESC, id DESC);
CREATE INDEX alerts_triage ON alerts (status, level, agency, raised);
CREATE INDEX alerts_last ON alerts (last_seen);

CREATE TABLE consumers (
  name        TEXT NOT NULL PRIMARY KEY,
  next_offset INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_counts (
  rule  TEXT NOT NULL PRIMARY KEY,
  count INTEGER NOT NULL,
  last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
  id     TEXT NOT NULL PRIMARY KEY,
  agency TEXT NOT NULL,
  info   TEXT NOT NULL,                 -- JSON
  pin    TEXT                           -- format fixed by an operator
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  key           TEXT NOT NULL PRIMARY KEY,  -- folded name
  name          TEXT NOT NULL,
  display_name  TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  roles         TEXT NOT NULL,          -- JSON array
  scope         TEXT NOT NULL,          -- JSON
  language      TEXT NOT NULL,
  must_change   INTEGER NOT NULL,
  disabled      INTEGER NOT NULL,
  created       INTEGER NOT NULL,
  last_login    INTEGER,
  version       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  token_hash BLOB NOT NULL PRIMARY KEY,
  user       TEXT NOT NULL REFERENCES users (key) ON DELETE CASCADE,
  created    INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  idle       INTEGER NOT NULL,
  last_used  INTEGER NOT NULL,
  peer       TEXT,
  agent      TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user);

CREATE TABLE tokens (
  name       TEXT NOT NULL PRIMARY KEY,
  token_hash BLOB NOT NULL UNIQUE,
  roles      TEXT NOT NULL,
  scope      TEXT NOT NULL,
  made_by    TEXT NOT NULL,
  created    INTEGER NOT NULL,
  expires    INTEGER,
  last_used  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  number  INTEGER NOT NULL PRIMARY KEY,
  at      INTEGER NOT NULL,
  who     TEXT NOT NULL,
  verb    TEXT NOT NULL,
  object  TEXT NOT NULL,
  agency  TEXT,
  details TEXT NOT NULL,
  peer    TEXT,
  allowed INTEGER NOT NULL,
  hash    BLOB NOT NULL                 -- SHA-256 over the previous hash and this entry
) STRICT;
CREATE INDEX audit_who ON audit (who, number);
CREATE INDEX audit_object ON audit (object, number);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
