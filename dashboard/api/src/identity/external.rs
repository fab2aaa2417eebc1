//! People whom another system knows: what the operator says of OIDC provider and directory, and which roles its groups give.

use std::path::PathBuf;

use fansipan_model::{Agency, Scope};

use crate::access::Role;

/// What a group elsewhere may do here.
#[derive(Clone, Debug)]
pub struct GroupRule {
    /// Name of the group as the other system says it (for LDAP the distinguished name); compared without case.
    pub group: String,
    /// Roles, at least one.
    pub roles: Vec<Role>,
    /// Whose data; `None`: every agency's.
    pub agencies: Option<Vec<String>>,
}

/// An OIDC provider.
#[derive(Clone)]
pub struct OidcConfig {
    /// What to write on the login button.
    pub name: String,
    /// The issuer, as in its discovery document.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there; `None`: a public client (PKCE alone).
    pub client_secret: Option<String>,
    /// Address of this console as browsers see it, `https://HOST[:PORT]`.
    pub console: String,
    /// What to ask for beside `openid`.
    pub scopes: Vec<String>,
    /// Claim that becomes the user name here.
    pub user_claim: String,
    /// Claim that lists groups.
    pub groups_claim: String,
    /// Certificate authority of the provider, PEM; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// The first that fits decides; nobody gets in without one.
    pub groups: Vec<GroupRule>,
}

/// A directory (LDAP, Active Directory).
#[derive(Clone)]
pub struct DirectoryConfig {
    /// `ldaps://HOST`, or `ldap://HOST` with `starttls`.
    pub url: String,
    /// Whether `ldap://` turns to TLS before anything is said.
    pub starttls: bool,
    /// Certificate authority of the directory, PEM; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Who searches.
    pub bind_dn: String,
    /// With which password.
    pub bind_password: String,
    /// Where people are.
    pub base: String,
    /// Which entry a name means; `{user}` is the name, escaped.
    pub filter: String,
    /// Attribute that becomes the user name here.
    pub user_attribute: String,
    /// Attribute with the name for people.
    pub name_attribute: String,
    /// Attribute that never changes of a person.
    pub id_attribute: String,
    /// Attribute of a person that lists groups.
    pub groups_attribute: String,
    /// Where groups are, for directories whose people do not list them.
    pub group_base: Option<String>,
    /// Which groups a person is in; `{dn}` and `{user}` are escaped.
    pub group_filter: String,
    /// The first that fits decides; nobody gets in without one.
    pub groups: Vec<GroupRule>,
}

impl std::fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcConfig").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DirectoryConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryConfig").field("url", &self.url).field("base", &self.base).finish_non_exhaustive()
    }
}

/// A person as another system knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExternalPerson {
    /// Which system.
    pub(crate) provider: String,
    /// What never changes of them there.
    pub(crate) subject: String,
    /// What is to be their user name here.
    pub(crate) name: String,
    /// Their name for people.
    pub(crate) display_name: String,
    /// Their groups there.
    pub(crate) groups: Vec<String>,
}

/// What the first rule that fits gives. One rule alone: roles of one agency must not spill into another.
pub(crate) fn granted(rules: &[GroupRule], groups: &[String]) -> Option<(Vec<Role>, Scope)> {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let rule = rules.iter().find(|rule| groups.iter().any(|g| same(g, &rule.group)))?;
    let scope = match &rule.agencies {
        None => Scope::All,
        Some(names) => Scope::Agencies(names.iter().map(|n| Agency::new(n)).collect()),
    };
    let mut roles = rule.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    Some((roles, scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides_alone() {
        let rule = |group: &str, role, agencies: Option<&[&str]>| GroupRule {
            group: group.into(),
            roles: vec![role],
            agencies: agencies.map(|a| a.iter().map(|s| (*s).to_owned()).collect()),
        };
        let rules = [rule("SOC-Admins", Role::Administrator, Some(&["tax"])), rule("soc", Role::Viewer, None)];
        let groups = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let tax = Scope::Agencies(vec![Agency::new("tax")]);
        assert_eq!(granted(&rules, &groups(&["soc", "soc-admins"])), Some((vec![Role::Administrator], tax)));
        assert_eq!(granted(&rules, &groups(&["x", "soc"])), Some((vec![Role::Viewer], Scope::All)));
        assert_eq!(granted(&rules, &groups(&["soc-admins-of-nothing"])), None);
        assert_eq!(granted(&rules, &[]), None);
    }
}
