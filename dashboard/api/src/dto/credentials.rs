//! Sessions, second factors and screens of the wall as the API shows them.

use fansipan_model::time;
use fansipan_storage::{OpenSession, WallDevice};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agencies;

/// How one can log in here.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginOptions {
    /// With a name and password, by `POST /session`.
    pub password: bool,
    /// Whether names and passwords of the organisation's directory (LDAP) are good there too.
    pub directory: bool,
    /// At a provider (OIDC); null: not set up.
    pub oidc: Option<OidcOption>,
}

/// Logging in at a provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct OidcOption {
    /// What to write on the button.
    pub name: String,
    /// Where the button leads.
    pub start: String,
}

/// A second factor to be taken over by an authenticator. Shown this once.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorEnrolment {
    /// The secret for typing, base32.
    pub secret: String,
    /// `otpauth://…`.
    pub uri: String,
    /// The same as a QR code, SVG.
    pub qr: String,
}

/// A code of an authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeProof {
    /// Six digits; where a second factor is removed, a recovery code is good too.
    pub code: String,
}

/// Codes for the day the authenticator is lost; each is good once. Shown this once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// To be kept on paper.
    pub codes: Vec<String>,
}

/// A session that is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionItem {
    /// To end it by.
    pub id: String,
    /// Whose.
    pub user: String,
    /// Since when.
    pub created: String,
    /// Ends then at the latest.
    pub expires: String,
    /// Last use, to the minute.
    pub last_used: String,
    /// From where.
    pub peer: Option<String>,
    /// With which browser.
    pub agent: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The public id of a session: half of the hash of its token, which opens nothing.
pub(crate) fn session_id(token_hash: &[u8; 32]) -> String {
    hex::encode(&token_hash[..16])
}

impl SessionItem {
    pub(crate) fn new(s: &OpenSession, asking: Option<[u8; 32]>) -> Self {
        Self {
            id: session_id(&s.token_hash),
            user: s.user.clone(),
            created: time::to_rfc3339(s.created),
            expires: time::to_rfc3339(s.expires),
            last_used: time::to_rfc3339(s.last_used),
            peer: s.peer.clone(),
            agent: s.agent.clone(),
            current: asking == Some(s.token_hash),
        }
    }
}

/// Open sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    /// Latest used first.
    pub items: Vec<SessionItem>,
}

/// A screen of the wall.
#[derive(Debug, Serialize, ToSchema)]
pub struct WallDeviceInfo {
    /// Unique name.
    pub name: String,
    /// Whose data it shows; null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created: String,
    /// Refused from then on.
    pub expires: String,
    /// When its code was used; null: not yet.
    pub enrolled: Option<String>,
    /// Last use, to the minute.
    pub last_used: Option<String>,
    /// Its address when it was enrolled.
    pub peer: Option<String>,
}

impl From<&WallDevice> for WallDeviceInfo {
    fn from(d: &WallDevice) -> Self {
        Self {
            name: d.name.clone(),
            agencies: agencies(&d.scope),
            made_by: d.made_by.clone(),
            created: time::to_rfc3339(d.created),
            expires: time::to_rfc3339(d.expires),
            enrolled: d.enrolled.map(time::to_rfc3339),
            last_used: d.last_used.map(time::to_rfc3339),
            peer: d.peer.clone(),
        }
    }
}

/// All screens.
#[derive(Debug, Serialize, ToSchema)]
pub struct WallDeviceList {
    /// By name.
    pub items: Vec<WallDeviceInfo>,
}

/// A screen to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WallDeviceCreation {
    /// 2–64 letters, digits, `.`, `_`, `-`, `@`.
    pub name: String,
    /// Whose data it shows; absent or null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// Refused after this many days, 1–3650; 365 unless given.
    #[schema(minimum = 1, maximum = 3650)]
    pub expires_in_days: Option<u32>,
}

/// A screen with the code that enrols it.
#[derive(Serialize, ToSchema)]
pub struct WallDeviceMade {
    /// What it is.
    pub device: WallDeviceInfo,
    /// To be typed at the screen; good once, for fifteen minutes. Shown this once.
    pub code: String,
}

/// What a screen sends to be enrolled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WallEnrolment {
    /// The code shown to the administrator.
    pub code: String,
    /// True: the answer holds the credential (for `fansipan wall`); false: a cookie is set that pages cannot read.
    #[serde(default)]
    pub terminal: bool,
}

/// An enrolled screen.
#[derive(Serialize, ToSchema)]
pub struct WallEnrolled {
    /// What it is.
    pub device: WallDeviceInfo,
    /// For terminals: `Authorization: Bearer …`; null for browsers.
    pub token: Option<String>,
}
