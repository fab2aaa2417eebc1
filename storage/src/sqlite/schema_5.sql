-- Version 5. A queue of a million alerts: what people change is narrow and apart from the texts, counts are kept, entities are found.

DROP INDEX alerts_raised;
DROP INDEX alerts_triage;
DROP INDEX alerts_last;
ALTER TABLE alerts RENAME TO alerts_before;

CREATE TABLE alerts (
  n          INTEGER PRIMARY KEY,
  id         BLOB NOT NULL UNIQUE,
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
  suppressed TEXT,                      -- the exception that holds it back; NULL: it is shown
  superseded BLOB,                      -- a late event proved it wrong: the one that covers its time, empty where there is none
  priority   INTEGER NOT NULL,          -- level × confidence × risk when it was raised
  bulk       INTEGER                    -- the bulk decision that holds for it, until somebody decides otherwise
) STRICT;
CREATE TABLE alert_bodies (
  n        INTEGER PRIMARY KEY,
  rule     TEXT NOT NULL,               -- JSON
  tags     TEXT NOT NULL,               -- JSON array of the rule's tags
  entities TEXT NOT NULL,               -- JSON
  grouping TEXT NOT NULL,               -- JSON array
  matched  TEXT NOT NULL,               -- JSON
  events   TEXT NOT NULL,               -- JSON array of ids
  summary  TEXT NOT NULL,
  search   TEXT NOT NULL                -- folded title, summary, entities, rule id
) STRICT;
CREATE TABLE alert_entities (
  value TEXT NOT NULL,
  n     INTEGER NOT NULL,
  PRIMARY KEY (value, n)
) STRICT, WITHOUT ROWID;

INSERT INTO alerts (id, agency, rule_id, level, status, assignee, raised, first_seen, last_seen, count, drill, version, superseded, suppressed, priority)
  SELECT id, agency, rule_id, level, status, assignee, raised, first_seen, last_seen, count, drill, version, superseded, suppressed,
         CASE level WHEN 0 THEN 50 WHEN 1 THEN 200 WHEN 2 THEN 400 WHEN 3 THEN 700 ELSE 1000 END
  FROM alerts_before ORDER BY raised, id;
INSERT INTO alert_bodies (n, rule, tags, entities, grouping, matched, events, summary, search)
  SELECT a.n, b.rule, b.tags, b.entities, b.grouping, b.matched, b.events, b.summary, b.search
  FROM alerts a JOIN alerts_before b ON b.id = a.id;
INSERT OR IGNORE INTO alert_entities (value, n)
  SELECT json_extract(e.value, '$.value'), b.n FROM alert_bodies b, json_each(b.entities) e;
DROP TABLE alerts_before;

-- Closing an alert touches the partial ones alone.
CREATE INDEX alerts_raised ON alerts (raised DESC, id DESC);
CREATE INDEX alerts_rule ON alerts (rule_id, raised DESC, id DESC);
CREATE INDEX alerts_last ON alerts (last_seen, rule_id, agency, count) WHERE superseded IS NULL AND suppressed IS NULL;
CREATE INDEX alerts_open ON alerts (raised DESC, id DESC, agency, level, rule_id) WHERE status < 2 AND superseded IS NULL AND suppressed IS NULL;
CREATE INDEX alerts_queue ON alerts (status, priority DESC, raised, id, agency, level, rule_id) WHERE status < 2 AND superseded IS NULL AND suppressed IS NULL;
CREATE INDEX alerts_held ON alerts (assignee, raised DESC) WHERE assignee IS NOT NULL;

-- How many alerts stand where; superseded ones are not counted.
CREATE TABLE alert_tallies (
  agency TEXT NOT NULL,
  level  INTEGER NOT NULL,
  status INTEGER NOT NULL,
  alerts INTEGER NOT NULL,
  PRIMARY KEY (agency, level, status)
) STRICT, WITHOUT ROWID;
INSERT INTO alert_tallies SELECT agency, level, status, count(*) FROM alerts WHERE superseded IS NULL AND suppressed IS NULL GROUP BY 1, 2, 3;

-- What people judged the alerts of a rule to be: how far the rule is to be believed.
CREATE TABLE rule_verdicts (
  rule    TEXT NOT NULL,
  status  INTEGER NOT NULL,
  alerts  INTEGER NOT NULL,
  PRIMARY KEY (rule, status)
) STRICT, WITHOUT ROWID;
INSERT INTO rule_verdicts SELECT rule_id, status, count(*) FROM alerts WHERE status > 1 AND superseded IS NULL AND suppressed IS NULL GROUP BY 1, 2;

-- Decisions about many alerts at once, and where those stood before.
CREATE TABLE bulk_acts (
  number INTEGER PRIMARY KEY,
  token  TEXT NOT NULL UNIQUE,
  who    TEXT NOT NULL,
  at     INTEGER NOT NULL,
  status INTEGER NOT NULL,
  alerts INTEGER NOT NULL,
  undone INTEGER                        -- when
) STRICT;
CREATE TABLE bulk_before (
  number   INTEGER NOT NULL REFERENCES bulk_acts (number) ON DELETE CASCADE,
  status   INTEGER NOT NULL,
  assignee TEXT,
  alerts   BLOB NOT NULL                -- their n, ascending: differences as LEB128
) STRICT;
CREATE INDEX bulk_before_number ON bulk_before (number);
