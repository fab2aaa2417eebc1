-- Version 10. Fewer merges of the index of alerts' texts: sixteen parts at a time, not four, so each is written again half as often.

INSERT INTO alert_texts (alert_texts, rank) VALUES ('automerge', 16);
INSERT INTO alert_texts (alert_texts, rank) VALUES ('crisismerge', 64);
