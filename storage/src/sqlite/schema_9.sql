-- Version 9. Parts of alerts' texts found without reading a million of them; what the overview counts, apart from what people change.

CREATE VIRTUAL TABLE alert_texts USING fts5(text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1');
INSERT INTO alert_texts (rowid, text) SELECT n, search FROM alert_bodies;
CREATE TRIGGER alert_texts_new AFTER INSERT ON alert_bodies BEGIN
  INSERT INTO alert_texts (rowid, text) VALUES (NEW.n, NEW.search);
END;
CREATE TRIGGER alert_texts_changed AFTER UPDATE OF search ON alert_bodies WHEN OLD.search IS NOT NEW.search BEGIN
  UPDATE alert_texts SET text = NEW.search WHERE rowid = NEW.n;
END;
CREATE TRIGGER alert_texts_gone AFTER DELETE ON alert_bodies BEGIN
  DELETE FROM alert_texts WHERE rowid = OLD.n;
END;

CREATE INDEX alerts_shown ON alerts (raised, agency) WHERE superseded IS NULL AND suppressed IS NULL;
CREATE INDEX alerts_grave ON alerts (raised, agency) WHERE level >= 3 AND superseded IS NULL AND suppressed IS NULL;
