-- Version 8. Rules of the centre's own with every version, handovers of shifts, API tokens that belong to a person.

CREATE TABLE own_rules (
  id      TEXT NOT NULL,                -- of the file's first rule, or of the rule that is switched
  version INTEGER NOT NULL,
  text    TEXT,                         -- NULL: a rule from elsewhere, only switched here
  enabled INTEGER NOT NULL,
  who     TEXT NOT NULL,
  at      INTEGER NOT NULL,
  why     TEXT NOT NULL,
  PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER own_rules_kept BEFORE UPDATE ON own_rules BEGIN SELECT RAISE(ABORT, 'versions of rules are kept'); END;
CREATE TRIGGER own_rules_whole BEFORE DELETE ON own_rules BEGIN SELECT RAISE(ABORT, 'versions of rules are kept'); END;

CREATE TABLE handovers (
  number INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  since  INTEGER NOT NULL,              -- when the shift began
  who    TEXT NOT NULL,
  agency TEXT,                          -- NULL: of somebody who sees several
  note   TEXT NOT NULL
) STRICT;
CREATE INDEX handovers_at ON handovers (at);
CREATE TRIGGER handovers_kept BEFORE UPDATE ON handovers BEGIN SELECT RAISE(ABORT, 'handovers are kept'); END;
CREATE TRIGGER handovers_whole BEFORE DELETE ON handovers BEGIN SELECT RAISE(ABORT, 'handovers are kept'); END;

ALTER TABLE tokens ADD COLUMN owner TEXT;  -- folded name of the person it speaks for; NULL: of a program
CREATE TRIGGER tokens_follow AFTER DELETE ON users BEGIN DELETE FROM tokens WHERE owner = OLD.key; END;
