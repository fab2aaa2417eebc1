//! Who is calling: a session's cookie, a bearer token, or the kernel's word on the unix socket.

use axum::http::{HeaderMap, header};
use fansipan_model::Scope;
use fansipan_storage::User;
use sha2::{Digest as _, Sha256};

use crate::{access::Role, server::Peer};

/// Name of the session cookie. The prefix makes browsers insist on Secure, Path=/ and no Domain.
pub(crate) const COOKIE: &str = "__Host-fansipan";

/// Name of the cookie of a screen of the wall.
const WALL_COOKIE: &str = "__Host-fansipan-wall";
/// Begins every credential of a screen of the wall.
pub(crate) const WALL_TOKEN: &str = "fsw_";

/// Somebody who has shown who they are.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// User name, `token:NAME`, `wall:NAME` or `local:uid=N`: what the audit trail says.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) roles: Vec<Role>,
    /// Whose data they may see.
    pub(crate) scope: Scope,
    /// How they showed it.
    pub(crate) via: Via,
}

/// How a caller showed who they are.
#[derive(Clone, Debug)]
pub(crate) enum Via {
    /// By a session of this user.
    Session {
        /// SHA-256 of its token.
        hash: [u8; 32],
        /// Its absolute end, UTC nanoseconds.
        expires: i64,
        /// The user as the store has them now.
        user: Box<User>,
    },
    /// By an API token.
    Token {
        /// SHA-256 of it.
        hash: [u8; 32],
    },
    /// As a screen of the wall, which is no person and has no session.
    Wall {
        /// SHA-256 of its credential.
        hash: [u8; 32],
    },
    /// By the unix socket.
    Local,
}

impl Caller {
    /// The person behind a session.
    pub(crate) fn user(&self) -> Option<&User> {
        match &self.via {
            Via::Session { user, .. } => Some(user),
            Via::Token { .. } | Via::Wall { .. } | Via::Local => None,
        }
    }

    /// The hash of the session's token.
    pub(crate) fn session(&self) -> Option<[u8; 32]> {
        match self.via {
            Via::Session { hash, .. } => Some(hash),
            Via::Token { .. } | Via::Wall { .. } | Via::Local => None,
        }
    }

    /// The caller that the kernel vouches for.
    pub(crate) fn local(peer: Peer) -> Option<Caller> {
        let Peer::Local { uid, trusted: true } = peer else { return None };
        Some(Caller { name: format!("local:uid={uid}"), roles: vec![Role::Administrator], scope: Scope::All, via: Via::Local })
    }
}

/// What a request carries to show who sends it.
pub(crate) enum Credential {
    /// SHA-256 of a bearer token.
    Bearer([u8; 32]),
    /// SHA-256 of a session token.
    Cookie([u8; 32]),
    /// SHA-256 of the credential of a screen of the wall.
    Wall([u8; 32]),
}

/// Reads the credential of a request. A bearer token beats a cookie; of several cookies of the name none is believed.
/// On a route of the wall (`wall`) the screen's own cookie beats a session's: a wall opened in somebody's browser does not
/// keep that person logged in. On other routes it is nothing.
pub(crate) fn credential(headers: &HeaderMap, wall: bool) -> Option<Credential> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        let kind = if token.starts_with(WALL_TOKEN) { Credential::Wall } else { Credential::Bearer };
        return scheme.eq_ignore_ascii_case("bearer").then(|| kind(hash(token)));
    }
    if wall && let Some(token) = cookie(headers, WALL_COOKIE) {
        return Some(Credential::Wall(hash(token)));
    }
    cookie(headers, COOKIE).map(|token| Credential::Cookie(hash(token)))
}

/// The value of a cookie that stands there once.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// What is kept of a token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The cookie that carries a session token for `seconds`.
pub(crate) fn set_cookie(token: &str, seconds: u64) -> String {
    format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

/// The cookie that carries the credential of a screen for `seconds`.
pub(crate) fn wall_cookie(token: &str, seconds: u64) -> String {
    format!("{WALL_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

/// The cookie that makes a browser forget the token.
pub(crate) fn clear_cookie() -> String {
    format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn credentials() {
        let cookie = |lines: &[(&str, &str)]| matches!(credential(&headers(lines), false), Some(Credential::Cookie(h)) if h == hash("t"));
        assert!(cookie(&[("cookie", "a=b; __Host-fansipan=t; c=d")]));
        assert!(cookie(&[("cookie", "a=b"), ("cookie", "__Host-fansipan=t")]));
        assert!(!cookie(&[("cookie", "fansipan=t")]));
        assert!(!cookie(&[("cookie", "__Host-fansipan=t; __Host-fansipan=x")]), "a second cookie of the name is an attack");
        assert!(matches!(credential(&headers(&[("authorization", "Bearer t")]), false), Some(Credential::Bearer(h)) if h == hash("t")));
        assert!(credential(&headers(&[("authorization", "Basic dDp0"), ("cookie", "__Host-fansipan=t")]), false).is_none());
        assert!(credential(&HeaderMap::new(), true).is_none());
        let both = headers(&[("cookie", "__Host-fansipan=t; __Host-fansipan-wall=w")]);
        assert!(matches!(credential(&both, true), Some(Credential::Wall(h)) if h == hash("w")));
        assert!(matches!(credential(&both, false), Some(Credential::Cookie(h)) if h == hash("t")));
        assert!(credential(&headers(&[("cookie", "__Host-fansipan-wall=w")]), false).is_none());
    }

    #[test]
    fn only_trusted_peers_are_administrators() {
        assert!(Caller::local(Peer::Local { uid: 0, trusted: true }).is_some());
        assert!(Caller::local(Peer::Local { uid: 1000, trusted: false }).is_none());
        assert!(Caller::local(Peer::Network("127.0.0.1:1".parse().unwrap())).is_none());
    }
}
