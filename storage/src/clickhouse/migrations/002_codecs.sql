-- Numbers and addresses at the level of texts. On firewalls' lines, tried together with the order: longs from 3.7 to 2.5 bytes an event,
-- source addresses from 3.3 to 2.7.
-- What is stored is compressed anew when it is merged. A table made by a program before the order of today keeps its order.
ALTER TABLE {local events}
    MODIFY COLUMN longs Map(LowCardinality(String), Int64) CODEC(ZSTD(9)),
    MODIFY COLUMN addresses Map(LowCardinality(String), IPv6) CODEC(ZSTD(9)),
    MODIFY COLUMN source_ip Nullable(IPv6) CODEC(ZSTD(9)),
    MODIFY COLUMN destination_ip Nullable(IPv6) CODEC(ZSTD(9));
