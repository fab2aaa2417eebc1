-- Addresses outside the columns, and which fields have values outside theirs, are in Bloom filters as columns are: a condition that may hold by
-- one of these too is looked up instead of read through. On firewalls' lines they took 0.01 bytes an event. What an older program stored
-- has none until it is merged, and is read.
ALTER TABLE {local events}
    ADD INDEX IF NOT EXISTS more_addresses mapValues(addresses) TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS odd_addresses other_addresses TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS odd_fields odd TYPE bloom_filter(0.01) GRANULARITY 1;
