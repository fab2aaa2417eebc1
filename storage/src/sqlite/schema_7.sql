-- Version 7. Response: actions on devices and runs of playbooks as they stand, and what was done, step by step.

CREATE TABLE responses (
  id       BLOB NOT NULL PRIMARY KEY,
  kind     INTEGER NOT NULL,            -- 0 action, 1 run of a playbook
  agency   TEXT NOT NULL,
  state    TEXT NOT NULL,
  incident TEXT,
  due      INTEGER,                     -- NULL: nothing to do by itself
  created  INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  body     TEXT NOT NULL                -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX responses_due ON responses (due) WHERE due IS NOT NULL;
CREATE INDEX responses_made ON responses (kind, created DESC, id DESC);
CREATE INDEX responses_incident ON responses (incident) WHERE incident IS NOT NULL;

CREATE TABLE response_journal (
  number INTEGER PRIMARY KEY,
  item   BLOB NOT NULL REFERENCES responses (id),
  step   TEXT NOT NULL,
  at     INTEGER NOT NULL,
  who    TEXT NOT NULL,
  text   TEXT NOT NULL,
  UNIQUE (item, step)                   -- a step is done once
) STRICT;
CREATE TRIGGER response_journal_kept BEFORE UPDATE ON response_journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER response_journal_whole BEFORE DELETE ON response_journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
