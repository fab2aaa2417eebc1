//! A terminal nobody sits at: tmux is the terminal, its screen is read as text.

use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::appliance::eventually;

/// One terminal with a program in it; closed when dropped.
pub struct Terminal {
    socket: String,
}

impl Terminal {
    /// Whether tmux is there; says why a test is skipped if not.
    pub fn available() -> bool {
        let there = Command::new("tmux").arg("-V").output().is_ok_and(|o| o.status.success());
        if !there {
            println!("skipped: tmux is not installed (packaging/dev/need test)");
        }
        there
    }

    /// Runs a program in a terminal of this size. `name` is the test's own.
    pub fn start(name: &str, (columns, rows): (u16, u16), program: &Path, arguments: &[&str]) -> Result<Self> {
        let this = Self { socket: format!("fansipan-{name}-{}", std::process::id()) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let program = program.to_str().context("a path in UTF-8")?;
        let mut all = vec!["-u", "-f", "/dev/null", "new-session", "-d", "-x", columns.as_str(), "-y", rows.as_str(), "--", program];
        all.extend(arguments);
        let out = this.tmux(&all)?;
        ensure!(out.status.success(), "tmux: {}", String::from_utf8_lossy(&out.stderr));
        Ok(this)
    }

    fn tmux(&self, arguments: &[&str]) -> Result<Output> {
        Command::new("tmux").arg("-L").arg(&self.socket).args(arguments).env("LC_ALL", "C.UTF-8").output().context("tmux")
    }

    /// Presses keys, as tmux names them.
    pub fn press(&self, keys: &[&str]) -> Result<()> {
        for key in keys {
            ensure!(self.tmux(&["send-keys", key])?.status.success(), "pressing {key}");
        }
        Ok(())
    }

    /// Types text as it is.
    pub fn write(&self, text: &str) -> Result<()> {
        ensure!(self.tmux(&["send-keys", "-l", text])?.status.success(), "typing {text}");
        Ok(())
    }

    /// What stands on the screen.
    pub fn screen(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"])?.stdout).into_owned())
    }

    /// The title that programs may set by an escape sequence.
    pub fn title(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.tmux(&["display-message", "-p", "#{pane_title}"])?.stdout).trim().to_owned())
    }

    /// Waits until the screen holds the text.
    pub fn until(&self, text: &str) -> Result<Duration> {
        let shown = eventually(text, Duration::from_secs(40), || Ok(self.screen()?.contains(text)));
        shown.with_context(|| format!("on the screen:\n{}", self.screen().unwrap_or_default()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}
