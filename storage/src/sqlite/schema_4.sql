-- What identity needs beyond names and passwords: second factors, logins from elsewhere, screens of the wall.

CREATE TABLE second_factors (
  user      TEXT NOT NULL PRIMARY KEY REFERENCES users (key) ON DELETE CASCADE,
  sealed    BLOB NOT NULL,              -- the shared secret, encrypted with a key that is not in this database
  confirmed INTEGER,                    -- NULL: shown, but no code of it has been given yet
  last_step INTEGER NOT NULL            -- the latest time step whose code was used: none is used twice
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
  user TEXT NOT NULL REFERENCES second_factors (user) ON DELETE CASCADE,
  hash BLOB NOT NULL,
  PRIMARY KEY (user, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE external_logins (
  provider TEXT NOT NULL,               -- issuer of an OIDC provider, or URL of a directory
  subject  TEXT NOT NULL,               -- what never changes of a person there
  user     TEXT NOT NULL UNIQUE REFERENCES users (key) ON DELETE CASCADE,
  PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE wall_devices (
  name       TEXT NOT NULL PRIMARY KEY,
  scope      TEXT NOT NULL,             -- JSON
  made_by    TEXT NOT NULL,
  created    INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  code_hash  BLOB UNIQUE,               -- NULL: used
  code_until INTEGER NOT NULL,
  token_hash BLOB UNIQUE,               -- NULL: not enrolled yet
  enrolled   INTEGER,
  last_used  INTEGER,
  peer       TEXT
) STRICT, WITHOUT ROWID;
