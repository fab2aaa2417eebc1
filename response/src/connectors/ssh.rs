//! nftables on another Linux host, through the OpenSSH client of this host: a pinned host key, a key of our own, no questions.

use std::{path::PathBuf, sync::Arc};

use serde::Deserialize;

use super::{
    Connector, Fault, Work,
    nftables::{Local, Output, Shell, over},
    secret::Secret,
};

/// Settings of nftables over SSH.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// File of the private key (OpenSSH), without passphrase, readable by the service's user only.
    pub key: PathBuf,
    /// File of the host's pinned key, as `ssh-keyscan` prints it; no other key is believed.
    pub known_hosts: PathBuf,
    /// The program there and what stands before it.
    #[serde(default = "nft")]
    pub command: Vec<String>,
    /// The OpenSSH client here.
    #[serde(default = "client")]
    pub client: PathBuf,
}

fn ssh_port() -> u16 {
    22
}

fn nft() -> Vec<String> {
    ["sudo", "-n", "/usr/sbin/nft"].map(str::to_owned).into()
}

fn client() -> PathBuf {
    "/usr/bin/ssh".into()
}

struct Remote {
    config: SshConfig,
    client: Local,
}

pub(super) fn nftables(config: &SshConfig) -> Result<Box<dyn Connector>, String> {
    Secret::read(&config.key)?; // the client reads it again; here it must be there, and nobody else's to read
    let pinned = std::fs::read_to_string(&config.known_hosts).map_err(|e| format!("{}: {e}", config.known_hosts.display()))?;
    if !pinned.lines().any(|l| !l.trim_start().starts_with('#') && l.split_whitespace().count() >= 3) {
        return Err(format!(
            "{} pins no host key: `ssh-keyscan {}` prints it; compare it at the console",
            config.known_hosts.display(),
            config.host
        ));
    }
    let plain = |w: &str| !w.is_empty() && !w.starts_with('-') && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b));
    if !plain(&config.host) || !plain(&config.user) {
        return Err("`host` and `user` are plain names or addresses".to_owned());
    }
    let word = |w: &String| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-=".contains(&b));
    if config.command.is_empty() || !config.command.iter().all(word) {
        return Err("`command` is a list of plain words such as [\"sudo\", \"-n\", \"/usr/sbin/nft\"]".to_owned());
    }
    let options = [
        "-T",
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
        "-o",
        "UpdateHostKeys=no",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "IdentityAgent=none",
        "-o",
        "PreferredAuthentications=publickey",
        "-o",
        "ConnectTimeout=5",
        "-o",
        "ServerAliveInterval=3",
        "-o",
        "ServerAliveCountMax=2",
        "-o",
        "ForwardAgent=no",
        "-o",
        "LogLevel=ERROR",
    ];
    let mut before: Vec<String> = options.map(str::to_owned).into();
    before.extend(["-o".to_owned(), format!("UserKnownHostsFile={}", config.known_hosts.display())]);
    before.extend(["-i".to_owned(), config.key.display().to_string(), "-p".to_owned(), config.port.to_string()]);
    before.extend(["-l".to_owned(), config.user.clone(), "--".to_owned(), config.host.clone()]);
    before.extend(config.command.iter().cloned());
    let client = Local::new(config.client.clone(), before);
    Ok(over(Arc::new(Remote { config: config.clone(), client })))
}

/// What the client's own refusals mean (it ends with 255); nft's are left to the caller.
fn client_fault(place: &str, stderr: &str) -> Fault {
    let line = stderr.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('@')).unwrap_or("no reason given");
    let says = |words: &[&str]| words.iter().any(|w| stderr.contains(w));
    if says(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED", "No matching host key"]) {
        return Fault::refused(format!(
            "{place} shows another host key than the pinned one: it was reinstalled, or somebody stands between"
        ));
    }
    if says(&["Permission denied", "Too many authentication failures"]) {
        return Fault::refused(format!("{place} does not accept our key"));
    }
    if says(&[
        "Connection refused",
        "No route to host",
        "Network is unreachable",
        "Could not resolve",
        "Connection timed out",
        "connect to",
    ]) {
        return Fault::unreachable(format!("{place}: {line}"));
    }
    Fault::unclear(format!("{place} broke off: {line}"))
}

impl Shell for Remote {
    fn run<'a>(&'a self, arguments: &'a [&'a str], input: String) -> Work<'a, Output> {
        Box::pin(async move {
            let out = self.client.run(arguments, input).await?;
            if out.status == 255 { Err(client_fault(&self.place(), &out.stderr)) } else { Ok(out) }
        })
    }

    fn place(&self) -> String {
        format!("{}@{}:{}", self.config.user, self.config.host, self.config.port)
    }

    fn hosts(&self) -> Vec<String> {
        vec![self.config.host.clone()]
    }
}
