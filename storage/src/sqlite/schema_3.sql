-- Version 3. What people decided not to be told of: every version of every exception, suppression and maintenance window.

CREATE TABLE exceptions (
  id      TEXT NOT NULL,
  version INTEGER NOT NULL,
  agency  TEXT,                         -- NULL: every agency's
  until   INTEGER NOT NULL,
  created INTEGER NOT NULL,
  body    TEXT NOT NULL,                -- JSON
  PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

-- The one that holds an alert back; NULL: it is shown.
ALTER TABLE alerts ADD COLUMN suppressed TEXT;
