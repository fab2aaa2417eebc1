//! Certificates as shown in the handshake.

use fansipan_model::{Event, Value};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    prelude::{FromDer as _, X509Certificate},
    public_key::PublicKey,
    x509::X509Name,
};

use crate::tap::{cursor::Cursor, files::hex};

/// Certificates of a chain that are looked at.
const MAX_CHAIN: usize = 16;

/// A chain, the holder's first.
#[derive(Debug)]
pub(super) struct Chain {
    leaf: Vec<u8>,
    hashes: Vec<String>,
}

/// The body of a certificate message, before TLS 1.3.
pub(super) fn chain(body: &[u8]) -> Option<Chain> {
    let mut list = Cursor::new(body).vec24()?;
    let mut chain = Chain { leaf: Vec::new(), hashes: Vec::new() };
    while let Some(certificate) = list.vec24() {
        if chain.leaf.is_empty() {
            chain.leaf = certificate.rest().to_vec();
        }
        chain.hashes.push(hex(&Sha256::digest(certificate.rest())).to_ascii_uppercase());
        if chain.hashes.len() >= MAX_CHAIN {
            break;
        }
    }
    (!chain.leaf.is_empty()).then_some(chain)
}

impl Chain {
    /// Writes the holder's certificate under `tls.server` or `tls.client`.
    pub(super) fn describe(&self, whose: &str, event: &mut Event) {
        let mut put = |name: &str, value: Value<'_>| event.push_named(&format!("tls.{whose}.{name}"), value);
        // ECS wants these in capitals
        put("hash.md5", Value::Str(&hex(&md5::Md5::digest(&self.leaf)).to_ascii_uppercase()));
        put("hash.sha1", Value::Str(&hex(&Sha1::digest(&self.leaf)).to_ascii_uppercase()));
        if let Some(hash) = self.hashes.first() {
            put("hash.sha256", Value::Str(hash));
        }
        match X509Certificate::from_der(&self.leaf) {
            Ok((_, certificate)) => describe(&certificate, &mut put),
            Err(error) => put("certificate_problem", Value::Str(&format!("{error}"))),
        }
        if self.hashes.len() > 1 {
            for hash in &self.hashes {
                event.push_named(&format!("fansipan.tls.{whose}.chain.sha256"), Value::Str(hash));
            }
        }
    }
}

fn describe(certificate: &X509Certificate<'_>, put: &mut dyn FnMut(&str, Value<'_>)) {
    let (subject, issuer) = (distinguished(certificate.subject()), distinguished(certificate.issuer()));
    put("subject", Value::Str(&subject));
    put("issuer", Value::Str(&issuer));
    put("x509.subject.distinguished_name", Value::Str(&subject));
    put("x509.issuer.distinguished_name", Value::Str(&issuer));
    name_parts("subject", certificate.subject(), put);
    name_parts("issuer", certificate.issuer(), put);
    put("x509.serial_number", Value::Str(&hex(certificate.tbs_certificate.raw_serial()).to_ascii_uppercase()));
    put("x509.version_number", Value::Str(&(certificate.version().0 + 1).to_string()));
    let validity = certificate.validity();
    for (name, time) in [("not_before", validity.not_before), ("not_after", validity.not_after)] {
        let nanos = time.timestamp().saturating_mul(1_000_000_000);
        put(name, Value::Time(nanos));
        put(&format!("x509.{name}"), Value::Time(nanos));
    }
    put("x509.signature_algorithm", Value::Str(&signature_algorithm(certificate)));
    public_key(certificate, put);
    alternative_names(certificate, put);
    if certificate.subject().as_raw() == certificate.issuer().as_raw() {
        put("self_signed", Value::Bool(true));
    }
}

/// In the order of RFC 4514: the most particular first.
fn distinguished(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter()
        .map(|rdn| {
            let attributes: Vec<String> = rdn
                .iter()
                .map(|a| {
                    let oid = a.attr_type().to_id_string();
                    format!("{}={}", short_name(&oid), escaped(&value(a)))
                })
                .collect();
            attributes.join("+")
        })
        .collect();
    parts.reverse();
    parts.join(",")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn value(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> String {
    if let Ok(text) = attribute.as_str() {
        return text.to_owned();
    }
    let raw = attribute.attr_value().data;
    // BMPString is UTF-16; other strings are read as far as they are text
    if attribute.attr_value().header.tag().0 == 30 {
        let units: Vec<u16> = raw.chunks_exact(2).filter_map(|c| c.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(raw).into_owned()
}

fn short_name(oid: &str) -> &str {
    match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "1.3.6.1.4.1.311.60.2.1.1" => "jurisdictionL",
        "1.3.6.1.4.1.311.60.2.1.2" => "jurisdictionST",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionC",
        other => other,
    }
}

fn name_parts(whose: &str, name: &X509Name<'_>, put: &mut dyn FnMut(&str, Value<'_>)) {
    for (oid, field) in [
        ("2.5.4.3", "common_name"),
        ("2.5.4.10", "organization"),
        ("2.5.4.11", "organizational_unit"),
        ("2.5.4.6", "country"),
        ("2.5.4.7", "locality"),
        ("2.5.4.8", "state_or_province"),
    ] {
        for attribute in name.iter_attributes().filter(|a| a.attr_type().to_id_string() == oid) {
            put(&format!("x509.{whose}.{field}"), Value::Str(&value(attribute)));
        }
    }
}

fn signature_algorithm(certificate: &X509Certificate<'_>) -> String {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    match &*oid {
        "1.2.840.113549.1.1.4" => "MD5-RSA",
        "1.2.840.113549.1.1.5" => "SHA1-RSA",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "SHA256-RSA",
        "1.2.840.113549.1.1.12" => "SHA384-RSA",
        "1.2.840.113549.1.1.13" => "SHA512-RSA",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        other => other,
    }
    .to_owned()
}

fn public_key(certificate: &X509Certificate<'_>, put: &mut dyn FnMut(&str, Value<'_>)) {
    let (algorithm, size) = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => ("RSA", Some(key.key_size())),
        Ok(PublicKey::EC(point)) => ("ECDSA", Some(point.key_size())),
        Ok(PublicKey::DSA(_)) => ("DSA", None),
        _ => match &*certificate.public_key().algorithm.algorithm.to_id_string() {
            "1.3.101.112" => ("Ed25519", Some(256)),
            "1.3.101.113" => ("Ed448", Some(456)),
            _ => return,
        },
    };
    put("x509.public_key_algorithm", Value::Str(algorithm));
    if let Some(size) = size {
        put("x509.public_key_size", Value::Int(size as i64));
    }
}

fn alternative_names(certificate: &X509Certificate<'_>, put: &mut dyn FnMut(&str, Value<'_>)) {
    for extension in certificate.extensions() {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
        for name in names.general_names.iter().take(256) {
            let text = match name {
                GeneralName::DNSName(n) | GeneralName::RFC822Name(n) | GeneralName::URI(n) => (*n).to_owned(),
                GeneralName::IPAddress(bytes) => match bytes {
                    b if b.len() == 4 => b.first_chunk::<4>().map(|b| std::net::Ipv4Addr::from(*b).to_string()).unwrap_or_default(),
                    b => b.first_chunk::<16>().map(|b| std::net::Ipv6Addr::from(*b).to_string()).unwrap_or_default(),
                },
                GeneralName::DirectoryName(n) => distinguished(n),
                _ => continue,
            };
            put("x509.alternative_names", Value::Str(&text));
        }
    }
}
