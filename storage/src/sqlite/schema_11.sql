-- Version 11. The index of alerts' texts is told of a batch at its end and no longer by each alert: see `find.rs`.

DROP TRIGGER alert_texts_new;
DROP TRIGGER alert_texts_changed;
