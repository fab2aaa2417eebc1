//! Certificates of listeners and the identity in a sender's certificate (RFC 5425). TLS 1.2 and 1.3, nothing older.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::TlsAcceptor;
use x509_parser::{extensions::GeneralName, prelude::FromDer};

use super::{
    config::{ClientCertificates, TlsConfig},
    error::SourceError,
};

/// Certificate chain and key used where a listener names none.
#[derive(Clone, Debug)]
pub(crate) struct DefaultCertificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl DefaultCertificate {
    /// The one the console made on its first start.
    pub(crate) fn of_console(data: &Path) -> Option<Self> {
        let (certificate, key) = (data.join("tls/cert.pem"), data.join("tls/key.pem"));
        (certificate.is_file() && key.is_file()).then_some(Self { certificate, key })
    }
}

/// What accepts TLS connections with these settings.
pub(crate) fn acceptor(
    transport: &'static str,
    address: SocketAddr,
    config: &TlsConfig,
    fallback: Option<&DefaultCertificate>,
) -> Result<TlsAcceptor, SourceError> {
    let (certificate, key) = match (&config.certificate, &config.key, fallback) {
        (Some(c), Some(k), _) => (c, k),
        (None, None, Some(f)) => (&f.certificate, &f.key),
        _ => return Err(SourceError::NoCertificate { transport, address }),
    };
    let chain = certificates("certificate", certificate)?;
    let secret = private_key(key)?;
    let provider = Arc::new(ring::default_provider());
    let bad = |what, path: &Path, e: &dyn std::fmt::Display, next: &str| SourceError::Certificate {
        what,
        path: path.to_owned(),
        why: format!("{e}; {next}"),
    };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|e| bad("certificate", certificate, &e, "this build lacks TLS 1.2 or 1.3"))?;
    let verifier: Option<Arc<dyn ClientCertVerifier>> = match (config.client_certificates, &config.client_ca) {
        (ClientCertificates::None, _) => None,
        (_, None) => return Err(SourceError::setting("tls.client_ca", "is missing", "name the file of the senders' authorities")),
        (mode, Some(ca)) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates("client_ca", ca)? {
                roots.add(authority).map_err(|e| bad("client_ca", ca, &e, "give the certificates of authorities, in PEM"))?;
            }
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let builder = if mode == ClientCertificates::Optional { builder.allow_unauthenticated() } else { builder };
            Some(builder.build().map_err(|e| bad("client_ca", ca, &e, "give the certificates of authorities, in PEM"))?)
        }
    };
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let server = builder
        .with_single_cert(chain, secret)
        .map_err(|e| bad("certificate", certificate, &e, "see that the key belongs to the first certificate of the file"))?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, SourceError> {
    fs::read(path).map_err(|e| SourceError::Certificate {
        what,
        path: path.to_owned(),
        why: format!("{e}; see that the path is right and that the service's user may read it"),
    })
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SourceError> {
    let pem = read(what, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let bad = |why: String| SourceError::Certificate { what, path: path.to_owned(), why };
    match found {
        Ok(list) if list.is_empty() => Err(bad("it holds no certificate; give a PEM file with -----BEGIN CERTIFICATE-----".to_owned())),
        Ok(list) => Ok(list),
        Err(e) => Err(bad(format!("it is no PEM ({e}); convert it with `openssl x509 -inform der`"))),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SourceError> {
    PrivateKeyDer::from_pem_slice(&read("key", path)?).map_err(|e| SourceError::Certificate {
        what: "key",
        path: path.to_owned(),
        why: format!("it holds no usable private key ({e}); give an unencrypted PEM file (PKCS#8, PKCS#1 or SEC1)"),
    })
}

/// The name in a verified client certificate: the common name, else the first DNS name, address or URI it is for.
pub(crate) fn identity(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(certificate).ok()?;
    let common = parsed.subject().iter_common_name().next().and_then(|n| n.as_str().ok()).filter(|n| !n.is_empty());
    if let Some(name) = common {
        return Some(name.to_owned());
    }
    let names = parsed.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| match name {
        GeneralName::DNSName(n) | GeneralName::RFC822Name(n) | GeneralName::URI(n) => Some((*n).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
        GeneralName::IPAddress(bytes) => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
        _ => None,
    })
}
