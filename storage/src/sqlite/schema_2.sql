-- Version 2. An alert that a late event proved wrong: the id of the one that covers its time instead, empty where there is none.

ALTER TABLE alerts ADD COLUMN superseded BLOB;
