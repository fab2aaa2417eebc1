-- Version 11. What is searched of alerts is told of a batch at its end and no longer by each alert, and what a rule says stands once
-- instead of in each of its alerts: see `find.rs`. Alerts from before have the texts of their rules among their own.

DROP TRIGGER alert_texts_new;
DROP TRIGGER alert_texts_changed;
CREATE TABLE rule_texts (
  rule_id TEXT NOT NULL,
  text    TEXT NOT NULL,                -- folded titles, id and tags
  PRIMARY KEY (rule_id, text)
) STRICT, WITHOUT ROWID;
