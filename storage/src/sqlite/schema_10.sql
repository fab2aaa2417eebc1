-- The tags of an alert's rule stand in `rule`; nothing ever read them here.
ALTER TABLE alert_bodies DROP COLUMN tags;
