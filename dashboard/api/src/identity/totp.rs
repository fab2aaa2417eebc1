//! The second factor: time-based codes (RFC 6238: SHA-1, six digits, 30 seconds, what every authenticator understands),
//! and recovery codes for the day the phone is lost.
//!
//! Knows no store: the caller sees to it that no code is used twice.

use fansipan_model::{Word, said};
use qrcodegen::{QrCode, QrCodeEcc};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::{fill_random, hash, random_text};
use crate::problem::{Kind, Problem};

/// Shown in authenticators.
const ISSUER: &str = "Fansipan SOC";
/// 160 bits, as RFC 4226 recommends.
const SECRET: usize = 20;
/// Recovery codes made at once.
const RECOVERY: usize = 10;

/// A secret to be shown once.
pub(crate) struct Enrolment {
    /// To be sealed and kept.
    pub(crate) secret: Vec<u8>,
    /// For typing.
    pub(crate) base32: String,
    /// What the picture says.
    pub(crate) uri: String,
    /// A QR code, SVG.
    pub(crate) svg: String,
}

fn engine(secret: &[u8], user: &str) -> Result<Totp, Problem> {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30);
    let builder = builder.with_secret(Secret::from(secret)).with_account_name(user).with_issuer(Some(ISSUER));
    builder.build().map_err(|e| Problem::internal(Word::new("preparing a second factor", "việc chuẩn bị lớp xác thực thứ hai"), &e))
}

/// A new secret for a user.
pub(crate) fn enrol(user: &str) -> Result<Enrolment, Problem> {
    let mut secret = vec![0u8; SECRET];
    fill_random(&mut secret)?;
    let uri = engine(&secret, user)?
        .to_url()
        .map_err(|e| Problem::internal(Word::new("preparing a second factor", "việc chuẩn bị lớp xác thực thứ hai"), &e))?;
    let base32 = Secret::from(secret.as_slice()).to_base32();
    Ok(Enrolment { base32, svg: svg(&uri)?, uri, secret })
}

/// The time step whose code this is, now or half a minute off.
pub(crate) fn step(secret: &[u8], user: &str, code: &str, now_s: u64) -> Result<Option<u64>, Problem> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    Ok(engine(secret, user)?.check(&code, now_s))
}

/// Recovery codes, and what is kept of them.
pub(crate) fn recovery_codes() -> Result<(Vec<String>, Vec<[u8; 32]>), Problem> {
    let codes: Vec<String> = (0..RECOVERY).map(|_| random_text()).collect::<Result<_, _>>()?;
    let hashes = codes.iter().map(|code| recovery_hash(code)).collect();
    Ok((codes, hashes))
}

/// What is kept of a recovery code; dashes, blanks and case do not matter. 120 random bits need no slow hash.
pub(crate) fn recovery_hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    hash(&format!("recovery:{plain}"))
}

fn svg(text: &str) -> Result<String, Problem> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| Problem::new(Kind::Internal, said!("the QR code cannot be drawn", "không vẽ được mã QR")))?;
    let size = code.size() + 8;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{},{}h1v1h-1z", x + 4, y + 4));
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_rfc() {
        // RFC 6238, appendix B, cut to six digits
        let secret = b"12345678901234567890";
        for (time, code) in [(59u64, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")] {
            assert_eq!(step(secret, "lan", code, time).unwrap(), Some(time / 30));
            assert_eq!(step(secret, "lan", code, time + 30).unwrap(), Some(time / 30), "a phone may be half a minute behind");
            assert_eq!(step(secret, "lan", code, time + 90).unwrap(), None);
        }
        for odd in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert_eq!(step(secret, "lan", odd, 59).unwrap(), None, "{odd}");
        }
    }

    #[test]
    fn enrolments_differ_and_say_what_authenticators_need() {
        let (a, b) = (enrol("lan").unwrap(), enrol("lan").unwrap());
        assert_ne!(a.secret, b.secret);
        assert!(a.uri.starts_with("otpauth://totp/") && a.uri.contains(&a.base32), "{}", a.uri);
        assert!(a.svg.starts_with("<svg") && !a.svg.contains(&a.base32));
        let (codes, hashes) = recovery_codes().unwrap();
        assert_eq!((codes.len(), recovery_hash(&codes[0].to_uppercase().replace('-', " "))), (10, hashes[0]));
    }
}
