//! Numbers of TLS in words.

use std::borrow::Cow;

/// A cipher suite by its IANA name.
pub(super) fn cipher(number: u16) -> Cow<'static, str> {
    let newer = match number {
        0x1301 => Some("TLS_AES_128_GCM_SHA256"),
        0x1302 => Some("TLS_AES_256_GCM_SHA384"),
        0x1303 => Some("TLS_CHACHA20_POLY1305_SHA256"),
        0x1304 => Some("TLS_AES_128_CCM_SHA256"),
        0x1305 => Some("TLS_AES_128_CCM_8_SHA256"),
        0xcca8 => Some("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        0xcca9 => Some("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        _ => tls_parser::TlsCipherSuite::from_id(number).map(|c| c.name),
    };
    newer.map_or_else(|| Cow::Owned(format!("0x{number:04x}")), Cow::Borrowed)
}

/// Version as ECS splits it: number and protocol.
pub(super) fn version(number: u16) -> (Cow<'static, str>, &'static str) {
    match number {
        0x0002 | 0x0200 => (Cow::Borrowed("2.0"), "ssl"),
        0x0300 => (Cow::Borrowed("3.0"), "ssl"),
        0x0301 => (Cow::Borrowed("1.0"), "tls"),
        0x0302 => (Cow::Borrowed("1.1"), "tls"),
        0x0303 => (Cow::Borrowed("1.2"), "tls"),
        0x0304 => (Cow::Borrowed("1.3"), "tls"),
        0xfeff => (Cow::Borrowed("1.0"), "dtls"),
        0xfefd => (Cow::Borrowed("1.2"), "dtls"),
        0xfefc => (Cow::Borrowed("1.3"), "dtls"),
        // drafts of 1.3, among them those of one company
        n if n >> 8 == 0x7f || n >> 8 == 0xfb => (Cow::Borrowed("1.3"), "tls"),
        n => (Cow::Owned(format!("0x{n:04x}")), "tls"),
    }
}

/// A group for the key exchange.
pub(super) fn group(number: u16) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        1 => "sect163k1",
        3 => "sect163r2",
        6 => "sect233k1",
        7 => "sect233r1",
        9 => "sect283k1",
        10 => "sect283r1",
        11 => "sect409k1",
        12 => "sect409r1",
        13 => "sect571k1",
        14 => "sect571r1",
        16 => "secp160r1",
        18 => "secp192k1",
        19 => "secp192r1",
        20 => "secp224k1",
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        41 => "curveSM2",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        512 => "MLKEM512",
        513 => "MLKEM768",
        514 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        0x639a => "SecP256r1Kyber768Draft00",
        n => return Cow::Owned(n.to_string()),
    })
}

/// An alert's description.
pub(super) fn alert(code: u8) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        n => return Cow::Owned(n.to_string()),
    })
}
