//! The certificate of the HTTPS listener: the operator's own, or one made on first run in DATA/tls.
//!
//! Never overwrites an operator's files; a certificate of ours is made anew when it has expired or soon will.

use std::{
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, ToSpan as _};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use thiserror::Error;

/// Days a certificate of ours is good for: the most that browsers of all makers accept.
const VALID_DAYS: i64 = 825;
/// Days before its end when a new one is made.
const RENEW_DAYS: i64 = 30;

/// The operator's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCertificate {
    /// PEM: the certificate, then its chain.
    pub certificate: PathBuf,
    /// PEM: the private key.
    pub key: PathBuf,
}

/// Why there is no usable certificate.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("FSP-API-101 cannot {step} {path}: check that the service's user may do so")]
    File {
        /// What was attempted.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A PEM file holds no certificate or key.
    #[error("FSP-API-102 {path} holds no usable {what}: {reason}; give a PEM file")]
    Pem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// Certificate and key do not fit together or use an algorithm that is not supported.
    #[error("FSP-API-103 the certificate {path} cannot be used: check that the key belongs to it")]
    Unusable {
        /// The certificate file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// A certificate could not be made.
    #[error("FSP-API-104 cannot make a certificate: configure one of your own")]
    Generate(#[from] rcgen::Error),
}

fn file_error(step: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TlsError {
    move |source| TlsError::File { step, path: path.to_owned(), source }
}

/// The TLS configuration of the listener at `listen`; `names` are further names and addresses for a certificate of ours.
pub(super) fn server_config(
    own: Option<&OwnCertificate>,
    data: &Path,
    listen: SocketAddr,
    names: &[String],
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let files = match own {
        Some(own) => own.clone(),
        None => made_by_us(data, listen, names)?,
    };
    let chain: Vec<CertificateDer<'static>> = read_chain(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| TlsError::Pem {
        path: files.key.clone(),
        what: "private key",
        reason: e.to_string(),
    })?;
    let unusable = |source| TlsError::Unusable { path: files.certificate.clone(), source };
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = |reason: String| TlsError::Pem { path: path.to_owned(), what: "certificate", reason };
    let chain = CertificateDer::pem_file_iter(path)
        .map_err(|e| bad(e.to_string()))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| bad(e.to_string()))?;
    if chain.is_empty() { Err(bad("no certificate in it".to_owned())) } else { Ok(chain) }
}

/// The files in DATA/tls, made if absent, unreadable as a certificate or near their end.
fn made_by_us(data: &Path, listen: SocketAddr, names: &[String]) -> Result<OwnCertificate, TlsError> {
    let dir = data.join("tls");
    let files = OwnCertificate { certificate: dir.join("cert.pem"), key: dir.join("key.pem") };
    let usable = files.key.exists() && read_chain(&files.certificate).is_ok_and(|chain| chain.first().is_some_and(good_for_a_while));
    if !usable {
        if !dir.exists() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(file_error("create", &dir))?;
        }
        generate(&files, listen, names)?;
        tracing::info!(certificate = %files.certificate.display(), "made a self-signed certificate");
    }
    Ok(files)
}

fn good_for_a_while(der: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(der) else { return false };
    parsed.validity().not_after.timestamp() > Timestamp::now().as_second() + RENEW_DAYS * 86_400
}

fn generate(files: &OwnCertificate, listen: SocketAddr, names: &[String]) -> Result<(), TlsError> {
    let mut params = CertificateParams::new(subject_names(listen, names))?;
    params.distinguished_name.push(DnType::CommonName, "Fansipan");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    // A day early: clients' clocks lag.
    let date = |d: jiff::civil::Date| rcgen::date_time_ymd(i32::from(d.year()), d.month().unsigned_abs(), d.day().unsigned_abs());
    params.not_before = date(today.saturating_sub(1.day()));
    params.not_after = date(today.saturating_add(VALID_DAYS.days()));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    // The key first: a certificate without its key would look complete to the next start.
    write_private(&files.key, &key.serialize_pem(), 0o600)?;
    write_private(&files.certificate, &certificate.pem(), 0o644)
}

/// Writes beside the file and renames, so that a crash leaves the old file or the new one.
fn write_private(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside); // left by a crash; absent otherwise
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(file_error("create", &beside))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(file_error("write", &beside))?;
    fs::rename(&beside, path).map_err(file_error("rename into place", path))
}

/// localhost, this host's name, the address listened on (or, listening on all, the one packets leave from), and `names`.
fn subject_names(listen: SocketAddr, names: &[String]) -> Vec<String> {
    let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if is_name(&node) {
        all.push(node);
    }
    if listen.ip().is_unspecified() {
        all.extend(outward_address("192.0.2.1:9").map(|ip| ip.to_string()));
        all.extend(outward_address("[2001:db8::1]:9").map(|ip| ip.to_string()));
    } else {
        all.push(listen.ip().to_string());
    }
    all.extend(names.iter().filter(|n| is_name(n) || n.parse::<IpAddr>().is_ok()).cloned());
    all.sort();
    all.dedup();
    all
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// The address this host would send from. Connecting a UDP socket sends nothing.
fn outward_address(toward: &str) -> Option<IpAddr> {
    let local = if toward.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(local).ok()?;
    socket.connect(toward).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names_in(der: &CertificateDer<'_>) -> Vec<String> {
        let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
        let san = parsed.subject_alternative_name().unwrap().unwrap();
        san.value.general_names.iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn the_first_run_makes_a_certificate_and_the_second_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let listen = "10.9.8.7:8443".parse().unwrap();
        let names = ["soc.laichau.example".to_owned(), "not a name".to_owned()];
        server_config(None, dir.path(), listen, &names).unwrap();
        let key = dir.path().join("tls/key.pem");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let chain = read_chain(&dir.path().join("tls/cert.pem")).unwrap();
        assert!(good_for_a_while(&chain[0]));
        let text = names_in(&chain[0]).join(" ");
        assert!(text.contains("localhost") && text.contains("soc.laichau.example") && !text.contains("not a name"), "{text}");
        let before = fs::read(&key).unwrap();
        server_config(None, dir.path(), listen, &names).unwrap();
        assert_eq!(before, fs::read(&key).unwrap());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        for d in [&a, &b] {
            server_config(None, d, "127.0.0.1:0".parse().unwrap(), &[]).unwrap();
        }
        let own = OwnCertificate { certificate: a.join("tls/cert.pem"), key: b.join("tls/key.pem") };
        let error = server_config(Some(&own), dir.path(), "127.0.0.1:0".parse().unwrap(), &[]).unwrap_err().to_string();
        assert!(error.contains("FSP-API-103") && error.contains("key belongs"), "{error}");
        let own = OwnCertificate { certificate: dir.path().join("absent.pem"), key: b.join("tls/key.pem") };
        assert!(server_config(Some(&own), dir.path(), "127.0.0.1:0".parse().unwrap(), &[]).unwrap_err().to_string().contains("absent.pem"));
    }
}
