-- Numbers and addresses at the level of texts: measured on firewalls' lines, 1.6 bytes an event less of 62.
-- What is stored is compressed anew when it is merged. A table made by a program before the order of today keeps its order.
ALTER TABLE {local events}
    MODIFY COLUMN longs Map(LowCardinality(String), Int64) CODEC(ZSTD(9)),
    MODIFY COLUMN addresses Map(LowCardinality(String), IPv6) CODEC(ZSTD(9)),
    MODIFY COLUMN source_ip Nullable(IPv6) CODEC(ZSTD(9)),
    MODIFY COLUMN destination_ip Nullable(IPv6) CODEC(ZSTD(9));
