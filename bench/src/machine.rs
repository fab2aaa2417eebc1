//! What a figure was measured on: it is recorded with every result.

use std::{fs, path::Path, process::Command};

use serde::Serialize;

/// Hardware, kernel, commit and date of a measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// CPU model as the kernel names it.
    pub cpu: String,
    /// Logical cores.
    pub cores: usize,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Commit measured, with `+` when the tree had changes.
    pub commit: String,
    /// Date and time, RFC 3339 UTC.
    pub date: String,
}

impl Machine {
    /// Reads /proc and asks git; what cannot be read is "unknown".
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, key: &str| {
            text.lines()
                .find(|l| l.starts_with(key))
                .and_then(|l| l.split(':').nth(1))
                .map_or("unknown".to_owned(), |v| v.trim().to_owned())
        };
        let git = |args: &[&str]| {
            let out = Command::new("git").args(args).output().ok().filter(|o| o.status.success());
            out.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        };
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|s| !s.is_empty());
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        Self {
            cpu: value(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            commit: git(&["rev-parse", "--short", "HEAD"]).unwrap_or("unknown".into()) + if changed { "+" } else { "" },
            date: jiff::Timestamp::now().round(jiff::Unit::Second).map_or_else(|_| String::new(), |t| t.to_string()),
        }
    }
}

/// Peak and present resident memory of a process, KiB; zero when it is gone.
pub fn memory_kib(pid: u32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |key: &str| {
        text.lines().find(|l| l.starts_with(key)).and_then(|l| l.split_whitespace().nth(1)).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    (field("VmHWM:"), field("VmRSS:"))
}

/// User and system CPU seconds a process has used so far.
pub fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0 // USER_HZ is 100 on every Linux of ours
}

/// Bytes of all files below a folder.
pub fn bytes_below(dir: &Path) -> u64 {
    let Ok(list) = fs::read_dir(dir) else { return 0 };
    list.flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
