-- Version 6. The workspace of an incident: how far its handling is, what is known, what people put into it. And saved searches.

ALTER TABLE incidents ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;    -- 0 new, 1 triaged, 2 contained, 3 eradicated, 4 recovered, 5 closed
ALTER TABLE incidents ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';    -- JSON: field → text

CREATE TABLE incident_items (
  n        INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  incident BLOB NOT NULL REFERENCES incidents (id),
  at       INTEGER NOT NULL,
  who      TEXT NOT NULL,
  body     TEXT NOT NULL,               -- JSON, with its kind
  version  INTEGER NOT NULL,
  removed  INTEGER                      -- when; the row stays
) STRICT;
CREATE INDEX incident_items_incident ON incident_items (incident, n);

CREATE TABLE saved_searches (
  id      TEXT NOT NULL PRIMARY KEY,
  owner   TEXT NOT NULL,
  shared  INTEGER NOT NULL,
  name    TEXT NOT NULL,
  body    TEXT NOT NULL,                -- JSON: query, range, columns
  at      INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_searches_owner ON saved_searches (owner);
