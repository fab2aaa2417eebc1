//! Debian's rsyslog and syslog-ng as child processes, each with a configuration and folders of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// A log shipper; stopped when dropped.
pub struct Shipper {
    child: Child,
    _dir: TempDir,
    /// Lines written to this file are shipped, one record each.
    pub input: PathBuf,
}

/// How records travel.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// Datagrams.
    Udp,
    /// Lines over TCP.
    Tcp,
    /// RFC 5425; the certificate authority to trust.
    Tls(&'a Path),
}

impl Drop for Shipper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// rsyslog, following a file and forwarding each line as a record of `sshd`.
pub fn rsyslog(way: Way<'_>, port: u16) -> Result<Shipper> {
    let dir = tempfile::tempdir()?;
    let input = dir.path().join("auth.log");
    fs::write(&input, "")?;
    let (protocol, extra) = match way {
        Way::Udp => ("udp", String::new()),
        Way::Tcp => ("tcp", String::new()),
        Way::Tls(ca) => (
            "tcp",
            format!(
                r#" StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid" StreamDriver.CAFile="{}""#,
                ca.display()
            ),
        ),
    };
    // The lines are complete RFC 3164 records already: forward them as they are.
    let config = format!(
        r#"global(workDirectory="{dir}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
template(name="asis" type="string" string="%msg%\n")
input(type="imfile" file="{input}" tag="in:" ruleset="out" addMetadata="off")
ruleset(name="out" queue.type="LinkedList" queue.size="200000" queue.timeoutEnqueue="600000") {{
  action(type="omfwd" target="127.0.0.1" port="{port}" protocol="{protocol}" template="asis" action.resumeRetryCount="-1" action.resumeInterval="1"{extra})
}}
"#,
        dir = dir.path().display(),
        input = input.display()
    );
    let conf = dir.path().join("rsyslog.conf");
    fs::write(&conf, config)?;
    let child = Command::new("/usr/sbin/rsyslogd")
        .args(["-n", "-C", "-f"])
        .arg(&conf)
        .arg("-i")
        .arg(dir.path().join("pid"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(dir.path().join("stderr"))?)
        .spawn()
        .context("rsyslogd: `packaging/dev/need test` installs it")?;
    Ok(Shipper { child, _dir: dir, input })
}

/// syslog-ng, unpacked under target/syslog-ng, following a file and forwarding each line unchanged.
pub fn syslog_ng(way: Way<'_>, port: u16) -> Result<Shipper> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("workspace")?.join("target/syslog-ng");
    let binary = root.join("usr/sbin/syslog-ng");
    if !binary.exists() {
        bail!("{}: `packaging/dev/need test` unpacks it", binary.display());
    }
    let library = root.join("usr/lib/syslog-ng");
    let dir = tempfile::tempdir()?;
    let input = dir.path().join("auth.log");
    fs::write(&input, "")?;
    let transport = match way {
        Way::Udp => r#"transport("udp")"#.to_owned(),
        Way::Tcp => r#"transport("tcp")"#.to_owned(),
        Way::Tls(ca) => format!(r#"transport("tls") tls(ca-file("{}") peer-verify(required-trusted))"#, ca.display()),
    };
    let config = format!(
        "@version: 3.38\noptions {{ keep-hostname(yes); stats-freq(0); }};\nsource s {{ file(\"{}\" follow-freq(0.1) flags(no-parse)); }};\n\
         destination d {{ network(\"127.0.0.1\" port({port}) {transport} template(\"${{MSG}}\\n\")); }};\nlog {{ source(s); destination(d); flags(flow-control); }};\n",
        input.display()
    );
    let conf = dir.path().join("syslog-ng.conf");
    fs::write(&conf, config)?;
    let child = Command::new(&binary)
        .args(["-F", "--no-caps", "--module-path"])
        .arg(library.join("3.38"))
        .arg("-f")
        .arg(&conf)
        .arg("-R")
        .arg(dir.path().join("persist"))
        .arg("-p")
        .arg(dir.path().join("pid"))
        .arg("-c")
        .arg(dir.path().join("ctl"))
        .env("LD_LIBRARY_PATH", &library)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(dir.path().join("stderr"))?)
        .spawn()?;
    Ok(Shipper { child, _dir: dir, input })
}
