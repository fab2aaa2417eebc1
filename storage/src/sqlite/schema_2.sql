-- Version 2. An alert that a late event proved wrong: the id of the one that covers its time instead, empty where there is none.

ALTER TABLE alerts ADD COLUMN superseded BLOB;

-- What people decide about incidents, and which alerts are in them. Everything else follows from the alerts.
CREATE TABLE incidents (
  id          BLOB NOT NULL PRIMARY KEY,
  agency      TEXT NOT NULL,
  status      INTEGER NOT NULL,         -- as of alerts
  assignee    TEXT,
  opened      INTEGER NOT NULL,
  merged_into BLOB REFERENCES incidents (id),
  version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX incidents_opened ON incidents (opened DESC, id DESC);
CREATE INDEX incidents_merged ON incidents (merged_into);

CREATE TABLE incident_alerts (
  alert    BLOB NOT NULL PRIMARY KEY,
  incident BLOB,                        -- NULL: somebody took it out
  pinned   INTEGER NOT NULL             -- 1: somebody decided; the analyzer changes it no more
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_alerts_incident ON incident_alerts (incident);
