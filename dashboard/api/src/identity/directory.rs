//! Names and passwords of the organisation's directory (LDAP, Active Directory): search, then bind.
//!
//! Passwords go over TLS or not at all; names are escaped in filters; an empty password is never sent, since a directory
//! takes it for a stranger's bind and says yes.

use std::{sync::Arc, time::Duration};

use fansipan_model::said;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, ldap_escape};
use rustls::ClientConfig;

use super::{DirectoryConfig, ExternalPerson, trust};
use crate::problem::{Kind, Problem};

const PATIENCE: Duration = Duration::from_secs(5);
/// LDAP's "invalid credentials".
const WRONG: u32 = 49;
/// Groups of one person that are looked at.
const GROUPS: usize = 1000;

/// The directory.
pub(crate) struct Directory {
    config: DirectoryConfig,
    tls: Arc<ClientConfig>,
}

fn unavailable(step: &str, error: &LdapError) -> Problem {
    tracing::error!(step, %error, "FSP-API-115 the directory cannot be used; check [console.ldap], its certificate and the network");
    Problem::new(
        Kind::ProviderUnavailable,
        said!(
            "the directory does not answer; local users can log in, others try again later",
            "dịch vụ thư mục (LDAP) không trả lời; tài khoản tại chỗ vẫn đăng nhập được, tài khoản khác hãy thử lại sau"
        ),
    )
}

/// A filter with the name in its place, escaped.
fn filter(template: &str, user: &str, dn: &str) -> String {
    template.replace("{user}", &ldap_escape(user)).replace("{dn}", &ldap_escape(dn))
}

impl Directory {
    /// Blocks: reads the certificate authority.
    pub(crate) fn new(config: DirectoryConfig) -> Result<Self, Problem> {
        let tls = Arc::new(trust::client(config.ca.as_deref())?);
        Ok(Self { config, tls })
    }

    pub(crate) fn config(&self) -> &DirectoryConfig {
        &self.config
    }

    async fn connect(&self) -> Result<Ldap, Problem> {
        let settings = LdapConnSettings::new().set_conn_timeout(PATIENCE).set_config(self.tls.clone()).set_starttls(self.config.starttls);
        let opened = tokio::time::timeout(PATIENCE, LdapConnAsync::with_settings(settings, &self.config.url)).await;
        let (connection, ldap) = match opened {
            Ok(opened) => opened.map_err(|e| unavailable("connecting", &e))?,
            Err(_) => return Err(unavailable("connecting", &LdapError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))),
        };
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "a connection to the directory ended");
            }
        });
        Ok(ldap)
    }

    /// The person of that name, if the password is theirs.
    pub(crate) async fn check(&self, user: &str, password: &str) -> Result<Option<ExternalPerson>, Problem> {
        if password.is_empty() || user.is_empty() || user.contains('\0') {
            return Ok(None);
        }
        let mut ldap = self.connect().await?;
        let found = self.find(&mut ldap, user).await;
        let found = match found {
            Ok(Some(entry)) => self.bind(&entry.dn, password).await.map(|good| good.then_some(entry)),
            other => other,
        };
        let person = match found {
            Ok(Some(entry)) => self.person(&mut ldap, entry).await.map(Some),
            Ok(None) => Ok(None),
            Err(problem) => Err(problem),
        };
        let _ = ldap.unbind().await; // the connection ends either way
        person
    }

    /// The one entry that a name means; none if it means several.
    async fn find(&self, ldap: &mut Ldap, user: &str) -> Result<Option<SearchEntry>, Problem> {
        let c = &self.config;
        let bound = ldap.with_timeout(PATIENCE).simple_bind(&c.bind_dn, &c.bind_password).await;
        bound.and_then(|r| r.success()).map_err(|e| unavailable("logging in as the searching account", &e))?;
        let wanted = vec![c.user_attribute.as_str(), &c.name_attribute, &c.id_attribute, &c.groups_attribute];
        let filter = filter(&c.filter, user, "");
        let answer = ldap.with_timeout(PATIENCE).search(&c.base, Scope::Subtree, &filter, wanted).await;
        let (entries, _) = answer.and_then(|r| r.success()).map_err(|e| unavailable("searching", &e))?;
        let mut people = entries.into_iter().map(SearchEntry::construct).filter(|e| !e.dn.is_empty());
        match (people.next(), people.next()) {
            (Some(one), None) => Ok(Some(one)),
            _ => Ok(None),
        }
    }

    /// Whether the password is the entry's, on a connection of its own.
    async fn bind(&self, dn: &str, password: &str) -> Result<bool, Problem> {
        let mut ldap = self.connect().await?;
        let answer = ldap.with_timeout(PATIENCE).simple_bind(dn, password).await.map_err(|e| unavailable("checking a password", &e))?;
        let _ = ldap.unbind().await; // the connection ends either way
        match answer.rc {
            0 => Ok(true),
            // Locked, expired and the like come as other numbers: a refusal too, of which the log tells.
            rc => {
                if rc != WRONG {
                    tracing::warn!(rc, "FSP-API-116 the directory refused a login for another reason than the password");
                }
                Ok(false)
            }
        }
    }

    async fn person(&self, ldap: &mut Ldap, entry: SearchEntry) -> Result<ExternalPerson, Problem> {
        let c = &self.config;
        let name = text(&entry, &c.user_attribute);
        let subject = text(&entry, &c.id_attribute)
            .or_else(|| attribute(&entry.bin_attrs, &c.id_attribute).and_then(|v| v.first()).map(hex::encode))
            .unwrap_or_else(|| entry.dn.to_lowercase());
        let display_name = text(&entry, &c.name_attribute).or_else(|| name.clone()).unwrap_or_default();
        let mut groups: Vec<String> = attribute(&entry.attrs, &c.groups_attribute).cloned().unwrap_or_default();
        let name = name.unwrap_or_default();
        if let Some(base) = &c.group_base {
            let filter = filter(&c.group_filter, &name, &entry.dn);
            let answer = ldap.with_timeout(PATIENCE).search(base, Scope::Subtree, &filter, vec!["1.1"]).await;
            let (found, _) = answer.and_then(|r| r.success()).map_err(|e| unavailable("searching groups", &e))?;
            groups.extend(found.into_iter().map(SearchEntry::construct).map(|e| e.dn));
        }
        groups.truncate(GROUPS);
        Ok(ExternalPerson { provider: c.url.clone(), subject, name, display_name, groups })
    }
}

/// Attribute names have no case.
fn attribute<'e, V>(all: &'e std::collections::HashMap<String, V>, name: &str) -> Option<&'e V> {
    all.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

fn text(entry: &SearchEntry, name: &str) -> Option<String> {
    attribute(&entry.attrs, name)?.first().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_change_the_filter() {
        for (user, expected) in
            [("lan", "(uid=lan)"), ("*", "(uid=\\2a)"), ("x)(|(uid=*", "(uid=x\\29\\28|\\28uid=\\2a)"), ("a\\b", "(uid=a\\5cb)")]
        {
            assert_eq!(filter("(uid={user})", user, ""), expected);
        }
        assert_eq!(filter("(member={dn})", "", "cn=A (B),o=x"), "(member=cn=A \\28B\\29,o=x)");
    }
}
