//! `[console.oidc]` and `[console.ldap]`: where people log in beside here. Secrets stand in files of their own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use fansipan_api::{DirectoryConfig, GroupRule, OidcConfig, Role};
use fansipan_model::said;
use serde::Deserialize;

/// `[[console.oidc.groups]]`, `[[console.ldap.groups]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    /// Name of the group there; for LDAP its distinguished name.
    pub(crate) group: String,
    /// Roles here.
    pub(crate) roles: Vec<Role>,
    /// Whose data; absent: every agency's.
    pub(crate) agencies: Option<Vec<String>>,
}

/// `[console.oidc]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oidc {
    /// On the login button.
    #[serde(default = "button")]
    pub(crate) name: String,
    /// The issuer, as in its discovery document.
    pub(crate) issuer: String,
    /// Our id there.
    pub(crate) client_id: String,
    /// File with our secret there; absent: a public client.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Address of this console as browsers see it; the provider must know it followed by /api/v1/session/oidc/callback.
    pub(crate) console: String,
    /// What to ask for beside openid.
    #[serde(default = "scopes")]
    pub(crate) scopes: Vec<String>,
    /// Claim that becomes the user name.
    #[serde(default = "user_claim")]
    pub(crate) user_claim: String,
    /// Claim that lists groups.
    #[serde(default = "groups_claim")]
    pub(crate) groups_claim: String,
    /// Certificate authority of the provider, PEM.
    pub(crate) ca: Option<PathBuf>,
    /// The first that fits decides.
    pub(crate) groups: Vec<Group>,
}

/// `[console.ldap]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ldap {
    /// ldaps://HOST, or ldap://HOST with starttls.
    pub(crate) url: String,
    /// Whether ldap:// turns to TLS first.
    #[serde(default)]
    pub(crate) starttls: bool,
    /// Certificate authority of the directory, PEM.
    pub(crate) ca: Option<PathBuf>,
    /// Who searches.
    pub(crate) bind_dn: String,
    /// File with the searching account's password.
    pub(crate) bind_password_file: PathBuf,
    /// Where people are.
    pub(crate) base: String,
    /// Which entry a name means.
    #[serde(default = "filter")]
    pub(crate) filter: String,
    /// Attribute that becomes the user name.
    #[serde(default = "user_attribute")]
    pub(crate) user_attribute: String,
    /// Attribute with the name for people.
    #[serde(default = "name_attribute")]
    pub(crate) name_attribute: String,
    /// Attribute that never changes of a person.
    #[serde(default = "id_attribute")]
    pub(crate) id_attribute: String,
    /// Attribute of a person that lists groups.
    #[serde(default = "groups_attribute")]
    pub(crate) groups_attribute: String,
    /// Where groups are, for directories whose people do not list them.
    pub(crate) group_base: Option<String>,
    /// Which groups a person is in.
    #[serde(default = "group_filter")]
    pub(crate) group_filter: String,
    /// The first that fits decides.
    pub(crate) groups: Vec<Group>,
}

fn button() -> String {
    "SSO".to_owned()
}
fn scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}
fn user_claim() -> String {
    "preferred_username".to_owned()
}
fn groups_claim() -> String {
    "groups".to_owned()
}
fn filter() -> String {
    "(&(objectClass=person)(uid={user}))".to_owned()
}
fn user_attribute() -> String {
    "uid".to_owned()
}
fn name_attribute() -> String {
    "cn".to_owned()
}
fn id_attribute() -> String {
    "entryUUID".to_owned()
}
fn groups_attribute() -> String {
    "memberOf".to_owned()
}
fn group_filter() -> String {
    "(member={dn})".to_owned()
}

fn secret(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| {
        let path = path.display();
        said!(
            "FSP-CFG-005: cannot read the secret in {path}: give it to the service's user, mode 0600",
            "FSP-CFG-005: không đọc được bí mật trong {path}: hãy giao tệp cho tài khoản của dịch vụ, quyền 0600"
        )
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn rules(groups: &[Group], section: &str) -> Result<Vec<GroupRule>> {
    if groups.is_empty() {
        bail!(said!(
            "FSP-CFG-006: [{section}] without [[{section}.groups]] lets nobody in: say which group gets which roles",
            "FSP-CFG-006: [{section}] không có [[{section}.groups]] thì không ai vào được: hãy nêu nhóm nào có vai trò nào"
        ));
    }
    for group in groups {
        if group.roles.is_empty() || group.roles.iter().any(|r| !r.for_people()) {
            let group = &group.group;
            bail!(said!(
                "FSP-CFG-006: [[{section}.groups]] {group}: give at least one role for people",
                "FSP-CFG-006: [[{section}.groups]] {group}: hãy nêu ít nhất một vai trò dành cho người"
            ));
        }
    }
    let rule = |g: &Group| GroupRule { group: g.group.clone(), roles: g.roles.clone(), agencies: g.agencies.clone() };
    Ok(groups.iter().map(rule).collect())
}

impl Oidc {
    pub(crate) fn api(&self) -> Result<OidcConfig> {
        if !self.issuer.starts_with("https://") || !self.console.starts_with("https://") {
            bail!(said!(
                "FSP-CFG-007: [console.oidc] issuer and console begin with https://: logins never travel in the clear",
                "FSP-CFG-007: [console.oidc] issuer và console phải bắt đầu bằng https://: thông tin đăng nhập không bao giờ được gửi qua kênh không mã hóa"
            ));
        }
        Ok(OidcConfig {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret_file.as_deref().map(secret).transpose()?,
            console: self.console.clone(),
            scopes: self.scopes.clone(),
            user_claim: self.user_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            ca: self.ca.clone(),
            groups: rules(&self.groups, "console.oidc")?,
        })
    }
}

impl Ldap {
    pub(crate) fn api(&self) -> Result<DirectoryConfig> {
        let secured = if self.starttls { "ldap://" } else { "ldaps://" };
        if !self.url.starts_with(secured) {
            bail!(said!(
                "FSP-CFG-008: [console.ldap] url is ldaps://HOST, or ldap://HOST with starttls = true: passwords never travel in the clear",
                "FSP-CFG-008: [console.ldap] url là ldaps://MÁY, hoặc ldap://MÁY với starttls = true: mật khẩu không bao giờ được gửi qua kênh không mã hóa"
            ));
        }
        Ok(DirectoryConfig {
            url: self.url.clone(),
            starttls: self.starttls,
            ca: self.ca.clone(),
            bind_dn: self.bind_dn.clone(),
            bind_password: secret(&self.bind_password_file)?,
            base: self.base.clone(),
            filter: self.filter.clone(),
            user_attribute: self.user_attribute.clone(),
            name_attribute: self.name_attribute.clone(),
            id_attribute: self.id_attribute.clone(),
            groups_attribute: self.groups_attribute.clone(),
            group_base: self.group_base.clone(),
            group_filter: self.group_filter.clone(),
            groups: rules(&self.groups, "console.ldap")?,
        })
    }
}
