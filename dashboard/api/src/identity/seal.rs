//! Encryption of what must be read again: shared secrets of second factors, the state of a login under way at a provider.
//!
//! ChaCha20-Poly1305 under a key in `DATA/identity.key`, which only the service's user can read and which is not in the state
//! database: a copy of the database alone gives nobody a second factor.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use fansipan_model::{Word, said};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::fill_random;
use crate::problem::{Kind, Problem};

const KEY: usize = 32;

/// Seals and opens.
pub(crate) struct Seal {
    key: LessSafeKey,
}

impl Seal {
    /// With the key in the data folder, made on first use. Blocks.
    pub(crate) fn open(data: &Path) -> Result<Seal, Problem> {
        let path = data.join("identity.key");
        let failed = |e: io::Error| {
            Problem::internal(Word::new("reading identity.key in the data folder", "việc đọc identity.key trong thư mục dữ liệu"), &e)
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let mut bytes = vec![0u8; KEY];
                fill_random(&mut bytes)?;
                let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
                file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
                bytes
            }
            Err(e) => return Err(failed(e)),
        };
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| {
            Problem::new(
                Kind::Internal,
                said!(
                    "identity.key in the data folder is damaged; restore it from a backup",
                    "tệp identity.key trong thư mục dữ liệu bị hỏng; hãy khôi phục từ bản sao lưu"
                ),
            )
        })?;
        Ok(Seal { key: LessSafeKey::new(key) })
    }

    /// Encrypts for one purpose, such as the name of whose it is; it opens for the same purpose only.
    pub(crate) fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut nonce = [0u8; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut sealed = plain.to_vec();
        let done = self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut sealed);
        done.map_err(|_| Problem::new(Kind::Internal, said!("sealing a secret failed", "không mã hóa được bí mật")))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed for this purpose; `None`: something else, or changed since.
    pub(crate) fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = rest.to_vec();
        let plain = self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(purpose.as_bytes()), &mut bytes).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_for_its_purpose_and_unchanged_only() {
        let dir = tempfile::tempdir().unwrap();
        let seal = Seal::open(dir.path()).unwrap();
        let sealed = seal.seal("totp:lan", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_eq!(Seal::open(dir.path()).unwrap().unseal("totp:lan", &sealed).unwrap(), b"secret", "the key is kept");
        assert_eq!(seal.unseal("totp:minh", &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(seal.unseal("totp:lan", &changed), None);
            assert_eq!(seal.unseal("totp:lan", &sealed[..place]), None);
        }
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(dir.path().join("identity.key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
