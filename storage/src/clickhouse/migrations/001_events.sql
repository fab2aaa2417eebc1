-- Events. One row an event; see clickhouse/row.rs for what each column holds.
-- Words of the message: those with a letter are in a text index. Numbers are not: nearly every number of a firewall's line is
-- new, and the index of all words took 35 bytes an event of 118 (without numbers 3.5); a Bloom filter has them in 4.
-- Granules are cut by rows alone, not by bytes: rows are wide before compression, and a filter a granule of 5,000 took half as much again.
-- The order puts lines of one kind from one device beside each other: `event_code` in it, tried together with smaller codecs and a smaller
-- filter, took an event of firewalls from 73 bytes of disk to 62. Newest first is read by `slot`, whatever comes behind it.
-- `slot` is the hour of `time` and `day` the day of `ingested`, as numbers: every instant an event can have fits.
CREATE TABLE IF NOT EXISTS {local events}
(
    topic LowCardinality(String) CODEC(ZSTD(3)),
    part Int32 CODEC(ZSTD(1)),
    pos UInt64 CODEC(Delta, ZSTD(1)),
    day Int32 CODEC(ZSTD(1)),
    class LowCardinality(String) CODEC(ZSTD(3)),
    agency LowCardinality(String) CODEC(ZSTD(3)),
    slot Int64 CODEC(ZSTD(1)),
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    ingested DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    id_hi UInt64 CODEC(Delta, ZSTD(1)),
    id_lo UInt64 CODEC(ZSTD(1)),
    form UInt8 CODEC(ZSTD(1)),
    head String CODEC(ZSTD(9)),
    message String CODEC(ZSTD(9)),
    tail String CODEC(ZSTD(9)),
    shape String CODEC(ZSTD(9)),
    extra String CODEC(ZSTD(9)),
    foreign_text Bool CODEC(ZSTD(1)),
    odd Array(LowCardinality(String)) CODEC(ZSTD(3)),
    texts Map(LowCardinality(String), String) CODEC(ZSTD(9)),
    longs Map(LowCardinality(String), Int64) CODEC(ZSTD(3)),
    addresses Map(LowCardinality(String), IPv6) CODEC(ZSTD(3)),
    other_addresses Array(IPv6) CODEC(ZSTD(3)),
    fansipan_agency LowCardinality(String) CODEC(ZSTD(3)),
    fansipan_class LowCardinality(String) CODEC(ZSTD(3)),
    fansipan_source LowCardinality(String) CODEC(ZSTD(3)),
    fansipan_parser LowCardinality(String) CODEC(ZSTD(3)),
    fansipan_level Nullable(Int64) CODEC(ZSTD(3)),
    fansipan_drill Nullable(Bool) CODEC(ZSTD(3)),
    fansipan_peer_ip Nullable(IPv6) CODEC(ZSTD(3)),
    fansipan_transport LowCardinality(String) CODEC(ZSTD(3)),
    event_kind LowCardinality(String) CODEC(ZSTD(3)),
    event_category Array(LowCardinality(String)) CODEC(ZSTD(3)),
    event_type Array(LowCardinality(String)) CODEC(ZSTD(3)),
    event_action LowCardinality(String) CODEC(ZSTD(3)),
    event_outcome LowCardinality(String) CODEC(ZSTD(3)),
    event_code LowCardinality(String) CODEC(ZSTD(3)),
    event_dataset LowCardinality(String) CODEC(ZSTD(3)),
    event_module LowCardinality(String) CODEC(ZSTD(3)),
    event_provider LowCardinality(String) CODEC(ZSTD(3)),
    event_severity Nullable(Int64) CODEC(ZSTD(3)),
    host_name LowCardinality(String) CODEC(ZSTD(3)),
    observer_name LowCardinality(String) CODEC(ZSTD(3)),
    observer_vendor LowCardinality(String) CODEC(ZSTD(3)),
    observer_product LowCardinality(String) CODEC(ZSTD(3)),
    source_ip Nullable(IPv6) CODEC(ZSTD(3)),
    source_port Nullable(Int64) CODEC(T64, ZSTD(3)),
    source_bytes Nullable(Int64) CODEC(T64, ZSTD(3)),
    source_geo_country_iso_code LowCardinality(String) CODEC(ZSTD(3)),
    destination_ip Nullable(IPv6) CODEC(ZSTD(3)),
    destination_port Nullable(Int64) CODEC(T64, ZSTD(3)),
    destination_domain LowCardinality(String) CODEC(ZSTD(3)),
    destination_bytes Nullable(Int64) CODEC(T64, ZSTD(3)),
    destination_geo_country_iso_code LowCardinality(String) CODEC(ZSTD(3)),
    network_transport LowCardinality(String) CODEC(ZSTD(3)),
    network_protocol LowCardinality(String) CODEC(ZSTD(3)),
    network_application LowCardinality(String) CODEC(ZSTD(3)),
    network_direction LowCardinality(String) CODEC(ZSTD(3)),
    user_name LowCardinality(String) CODEC(ZSTD(3)),
    user_domain LowCardinality(String) CODEC(ZSTD(3)),
    user_effective_name LowCardinality(String) CODEC(ZSTD(3)),
    user_target_name LowCardinality(String) CODEC(ZSTD(3)),
    process_name LowCardinality(String) CODEC(ZSTD(3)),
    process_executable LowCardinality(String) CODEC(ZSTD(3)),
    process_command_line String CODEC(ZSTD(3)),
    process_parent_name LowCardinality(String) CODEC(ZSTD(3)),
    process_parent_executable LowCardinality(String) CODEC(ZSTD(3)),
    file_path String CODEC(ZSTD(3)),
    file_name LowCardinality(String) CODEC(ZSTD(3)),
    file_hash_md5 String CODEC(ZSTD(3)),
    file_hash_sha1 String CODEC(ZSTD(3)),
    file_hash_sha256 String CODEC(ZSTD(3)),
    registry_path String CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    url_domain LowCardinality(String) CODEC(ZSTD(3)),
    url_path String CODEC(ZSTD(3)),
    http_request_method LowCardinality(String) CODEC(ZSTD(3)),
    http_response_status_code Nullable(Int64) CODEC(ZSTD(3)),
    user_agent_original LowCardinality(String) CODEC(ZSTD(3)),
    dns_question_name String CODEC(ZSTD(3)),
    dns_question_type LowCardinality(String) CODEC(ZSTD(3)),
    dns_response_code LowCardinality(String) CODEC(ZSTD(3)),
    tls_client_ja3 LowCardinality(String) CODEC(ZSTD(3)),
    tls_client_ja4 LowCardinality(String) CODEC(ZSTD(3)),
    tls_client_server_name LowCardinality(String) CODEC(ZSTD(3)),
    email_from_address String CODEC(ZSTD(3)),
    rule_id LowCardinality(String) CODEC(ZSTD(3)),
    rule_name LowCardinality(String) CODEC(ZSTD(3)),
    rule_category LowCardinality(String) CODEC(ZSTD(3)),
    vulnerability_id LowCardinality(String) CODEC(ZSTD(3)),
    log_level LowCardinality(String) CODEC(ZSTD(3)),
    log_syslog_severity_code Nullable(Int64) CODEC(ZSTD(3)),
    log_syslog_appname LowCardinality(String) CODEC(ZSTD(3)),
    tags Array(LowCardinality(String)) CODEC(ZSTD(3)),
    winlog_channel LowCardinality(String) CODEC(ZSTD(3)),
    winlog_provider_name LowCardinality(String) CODEC(ZSTD(3)),
    winlog_computer_name LowCardinality(String) CODEC(ZSTD(3)),
    id UUID ALIAS UUIDNumToString(toFixedString(concat(reinterpretAsFixedString(byteSwap(id_hi)), reinterpretAsFixedString(byteSwap(id_lo))), 16)),
    original String ALIAS multiIf(form = 1, concat(head, message, tail), form = 2, head, ''),
    INDEX words replaceRegexpAll(lowerUTF8(message), '\\b[0-9]+\\b', ' ') TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX numbers lowerUTF8(message) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1,
    INDEX extra_words extra TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX ids id_hi TYPE minmax GRANULARITY 1,
    INDEX times time TYPE minmax GRANULARITY 1,
    INDEX sources source_ip TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX destinations destination_ip TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {engine ReplacingMergeTree}
PARTITION BY (day, class)
ORDER BY (slot, event_dataset, event_code, observer_name, host_name, time, id_hi, id_lo)
SETTINGS {settings}, index_granularity = 8192, index_granularity_bytes = 67108864, non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000;

-- How far each partition of each topic is stored. Written after the events; the greatest `next` counts.
CREATE TABLE IF NOT EXISTS {local positions}
(
    topic LowCardinality(String),
    part Int32,
    next UInt64,
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {engine ReplacingMergeTree next}
ORDER BY (topic, part)
SETTINGS {settings};

{distributed events cityHash64(topic, part)}

{distributed positions cityHash64(topic, part)}
