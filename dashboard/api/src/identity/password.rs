//! Passwords: policy, hashing off the async threads with bounded concurrency, one-time passwords.
//!
//! Never logs or returns a password it was given. Hashes are PHC strings (argon2id, OWASP's second parameter set).

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use fansipan_model::{Said, Word, said};
use tokio::{sync::Semaphore, time::timeout};

use crate::problem::{Kind, Problem};

/// Characters a password must have at least.
pub(crate) const MIN_LENGTH: usize = 12;
/// Bytes a password may have at most, so that hashing costs the same for all.
const MAX_BYTES: usize = 1024;
/// Hashes computed at once: each takes 19 MiB and a core for some 20 ms.
const CONCURRENT: usize = 2;
/// How long a caller waits for its turn.
const WAIT: Duration = Duration::from_secs(5);
/// Twelve characters and more that every word list begins with; compared without case.
const WORST: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "1234567890qwerty",
    "123123123123",
    "111111111111",
    "000000000000",
    "abcdefghijkl",
    "administrator",
    "administrator1",
    "adminadminadmin",
    "changemechangeme",
    "changeme1234",
    "fansipan1234",
    "fansipanfansipan",
    "iloveyou1234",
    "letmeinletmein",
    "matkhau12345",
    "matkhau123456",
    "password1234",
    "password12345",
    "password123456",
    "password123!",
    "passwordpassword",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdf",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "p@ssw0rd1234",
    "vietnam12345",
    "vietnam123456",
    "welcome12345",
    "welcome123456",
];

/// Refuses a password that is short, contains the user's name, is one long repetition, or that everybody tries first.
pub(crate) fn check_policy(user: &str, password: &str) -> Result<(), Problem> {
    let weak = |why: Said| Err(Problem::new(Kind::WeakPassword, why));
    let length = password.chars().count();
    if length < MIN_LENGTH {
        return weak(said!(
            "the password has {length} characters; choose at least {MIN_LENGTH}",
            "mật khẩu có {length} ký tự; hãy dùng ít nhất {MIN_LENGTH} ký tự"
        ));
    }
    if password.len() > MAX_BYTES {
        return weak(said!(
            "the password is longer than {MAX_BYTES} bytes; choose a shorter one",
            "mật khẩu dài quá {MAX_BYTES} byte; hãy chọn mật khẩu ngắn hơn"
        ));
    }
    let folded = password.to_lowercase();
    let name = user.to_lowercase();
    if !name.is_empty() && (folded == name || (name.chars().count() >= 4 && folded.contains(&name))) {
        return weak(said!("the password contains the user name; choose another", "mật khẩu chứa tên tài khoản; hãy chọn mật khẩu khác"));
    }
    if WORST.contains(&folded.as_str()) {
        return weak(said!(
            "the password is among the first that attackers try; choose another",
            "mật khẩu này nằm trong số những mật khẩu kẻ tấn công thử đầu tiên; hãy chọn mật khẩu khác"
        ));
    }
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 4 {
        return weak(said!(
            "the password repeats fewer than four different characters; choose another",
            "mật khẩu chỉ lặp lại chưa đến bốn ký tự khác nhau; hãy chọn mật khẩu khác"
        ));
    }
    Ok(())
}

/// Hashes and verifies, a few at a time.
#[derive(Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// What is verified when there is no such user, so that both answers take as long.
    decoy: Arc<str>,
}

fn engine() -> Argon2<'static> {
    // 19 MiB, two passes, one lane: OWASP's password storage cheat sheet, 2024. The library's default holds the same numbers.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash_now(password: &str) -> Result<String, Problem> {
    match engine().hash_password(password.as_bytes()) {
        Ok(hash) => Ok(hash.to_string()),
        Err(e) => Err(Problem::internal(Word::new("hashing a password", "việc băm mật khẩu"), &e)),
    }
}

impl Passwords {
    /// Ready to hash. Computes the decoy: some 20 ms.
    pub(crate) fn new() -> Result<Self, Problem> {
        Ok(Self { turns: Arc::new(Semaphore::new(CONCURRENT)), decoy: hash_now(&random_text()?)?.into() })
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        self.turn(move || hash_now(&password)).await?
    }

    /// As [`Passwords::hash`], for a caller that may block and is alone.
    pub(crate) fn hash_blocking(&self, password: &str) -> Result<String, Problem> {
        hash_now(password)
    }

    /// Whether `password` belongs to `hash`. Without a hash: the same work, and no.
    pub(crate) async fn verify(&self, hash: Option<String>, password: String) -> Result<bool, Problem> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        self.turn(move || {
            let password = if password.len() > MAX_BYTES { "" } else { password.as_str() };
            match PasswordHash::new(&hash) {
                Ok(parsed) => known & engine().verify_password(password.as_bytes(), &parsed).is_ok(),
                Err(e) => {
                    tracing::error!(error = %e, "a stored password hash is unreadable; reset that user's password");
                    false
                }
            }
        })
        .await
    }

    async fn turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let Ok(Ok(permit)) = timeout(WAIT, self.turns.clone().acquire_owned()).await else {
            return Err(Problem::new(
                Kind::Busy,
                said!(
                    "too many logins at once; try again in a few seconds",
                    "quá nhiều người đăng nhập cùng lúc; hãy thử lại sau vài giây"
                ),
            )
            .retry_after(5));
        };
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await;
        result.map_err(|e| Problem::internal(Word::new("a password task", "việc xử lý mật khẩu"), &e))
    }
}

/// 120 random bits as 24 characters in groups of four, without the letters people confuse.
pub(crate) fn random_text() -> Result<String, Problem> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 24];
    fill_random(&mut bytes)?;
    let mut text = String::with_capacity(30);
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            text.push('-');
        }
        // 32 letters divide 256: every letter is equally likely
        text.push(char::from(ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a')));
    }
    Ok(text)
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Problem> {
    getrandom::fill(bytes).map_err(|e| Problem::internal(Word::new("reading random bytes", "việc lấy số ngẫu nhiên"), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy() {
        let cases = [
            ("admin", "short", false),
            ("admin", "elevenchars", false),
            ("admin", "twelve chars", true),
            ("admin", "Password1234", false),
            ("admin", "my-Admin-pass-9", false),
            ("bo", "elbow room 42", true),
            ("nguyenvana", "NguyenVanA2026!", false),
            ("admin", "aaaaaaaaaaaaaaaa", false),
            ("admin", "mật khẩu của tôi rất dài", true),
        ];
        for (user, password, good) in cases {
            assert_eq!(check_policy(user, password).is_ok(), good, "{user} / {password}");
        }
        assert!(check_policy("admin", &"long password ".repeat(100)).is_err());
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Some(hash.clone()), "correct horse battery".to_owned()).await.unwrap());
        assert!(!passwords.verify(Some(hash), "correct horse".to_owned()).await.unwrap());
        assert!(!passwords.verify(None, "correct horse battery".to_owned()).await.unwrap());
        assert!(!passwords.verify(Some("garbage".to_owned()), "x".to_owned()).await.unwrap());
    }

    #[test]
    fn one_time_passwords_pass_the_policy_and_differ() {
        let (a, b) = (random_text().unwrap(), random_text().unwrap());
        assert_ne!(a, b);
        assert!(check_policy("admin", &a).is_ok());
    }
}
