//! Login profiles: the address of an appliance, a token and the one certificate that is believed, in a file that only its owner reads.
//!
//! `$XDG_CONFIG_HOME/fansipan/NAME.json`, or below `~/.config`. A file that others can read is refused.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::Fault;

/// One appliance as `fansipan login` keeps it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `https://HOST:PORT`.
    pub server: String,
    /// Access token.
    pub token: String,
    /// The certificate, or its authority, that alone is believed; PEM.
    pub ca: String,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Where profiles are.
fn folder() -> Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = from("XDG_CONFIG_HOME").or_else(|| from("HOME").map(|home| home.join(".config")));
    Ok(base.context(Fault::NoHome)?.join("fansipan"))
}

fn file(folder: &Path, name: &str) -> Result<PathBuf> {
    let good = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    ensure!(good, Fault::ProfileName { name: name.to_owned() });
    Ok(folder.join(format!("{name}.json")))
}

impl Profile {
    /// Reads a profile by its name.
    pub fn load(name: &str) -> Result<Profile> {
        Self::load_from(&folder()?, name)
    }

    fn load_from(folder: &Path, name: &str) -> Result<Profile> {
        let path = file(folder, name)?;
        let unreadable = || Fault::NoProfile { path: path.display().to_string(), name: name.to_owned() };
        let mode = fs::metadata(&path).with_context(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!(Fault::OpenProfile { path: path.display().to_string() });
        }
        serde_json::from_str(&fs::read_to_string(&path).with_context(unreadable)?).with_context(unreadable)
    }

    /// Writes the profile, readable by its owner alone; replaces one of the same name.
    pub fn save(&self, name: &str) -> Result<PathBuf> {
        self.save_to(&folder()?, name)
    }

    fn save_to(&self, folder: &Path, name: &str) -> Result<PathBuf> {
        let path = file(folder, name)?;
        let failed = || Fault::CannotWrite { path: path.display().to_string() };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(failed)?;
        let draft = path.with_extension("new");
        let _ = fs::remove_file(&draft); // of a write that was cut off
        let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).with_context(failed)?;
        out.write_all(serde_json::to_string_pretty(self)?.as_bytes()).and_then(|()| out.sync_all()).with_context(failed)?;
        fs::rename(&draft, &path).with_context(failed)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_reads_a_profile() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("fansipan");
        let profile = Profile { server: "https://soc:8443".into(), token: "fsp_x".into(), ca: "PEM".into() };
        let path = profile.save_to(&folder, "soc").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Profile::load_from(&folder, "soc").unwrap().token, "fsp_x");
        assert!(!format!("{profile:?}").contains("fsp_x"));
        profile.save_to(&folder, "soc").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Profile::load_from(&folder, "soc").unwrap_err().to_string().contains("FSP-CLI-023"));
        for name in ["", "../x", "a b", "x/y"] {
            assert!(Profile::load_from(&folder, name).unwrap_err().to_string().contains("FSP-CLI-021"), "{name}");
        }
        assert!(format!("{:#}", Profile::load_from(&folder, "other").unwrap_err()).contains("FSP-CLI-022"));
    }
}
