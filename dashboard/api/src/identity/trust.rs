//! Whose certificates are believed when the console calls out: one authority that the operator names, or the system's.

use std::{path::Path, sync::Arc};

use fansipan_model::{Word, said};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use crate::problem::{Kind, Problem};

/// Where Debian and most others keep the authorities that the system believes.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A TLS client. Blocks: reads the file.
pub(crate) fn client(ca: Option<&Path>) -> Result<ClientConfig, Problem> {
    let path = ca.unwrap_or(Path::new(SYSTEM));
    let mut roots = RootCertStore::empty();
    match CertificateDer::pem_file_iter(path) {
        Ok(all) => all.filter_map(Result::ok).for_each(|certificate| drop(roots.add(certificate))),
        // A machine without any authority can still run a console; only logins elsewhere will fail, and say so.
        Err(_) if ca.is_none() => {}
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "FSP-API-114 a certificate authority cannot be read");
            return Err(Problem::new(
                Kind::Internal,
                said!("the certificate authority of a login service cannot be read", "không đọc được chứng thư CA của dịch vụ đăng nhập"),
            ));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Problem::internal(Word::new("preparing TLS", "việc chuẩn bị TLS"), &e))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
