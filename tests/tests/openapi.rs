//! schemathesis against the description that a running appliance gives of itself: no failure of the service, and every answer
//! is as described. Bounded and without chance here; `FANSIPAN_SOAK` looks for longer.

use std::{io::Write as _, net::TcpStream, path::Path, process::Command};

use anyhow::{Result, ensure};
use fansipan_tests::appliance::Appliance;

#[test]
fn answers_are_as_described_whatever_is_asked() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join("target/schemathesis/bin/st");
    ensure!(program.exists(), "schemathesis is not installed: packaging/dev/need test");
    let appliance = Appliance::start("")?;
    let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    let stamp = jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string();
    for n in 0..8 {
        let line = format!("<38>{stamp} srv-01 sshd[99]: Failed password for invalid user admin{n} from 203.0.113.77 port 4000{n} ssh2\n");
        wire.write_all(line.as_bytes())?;
    }
    let token = appliance.cli(&["tokens", "create", "schemathesis", "--role", "administrator"])?.concat();
    let soak = std::env::var_os("FANSIPAN_SOAK").is_some();
    let (examples, seconds) = if soak { ("200", "1800") } else { ("2", "60") };
    let server = format!("https://localhost:{}", appliance.https);
    let out = Command::new(program)
        .arg("run")
        .arg(format!("{server}/api/v1/openapi.json"))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .arg("--tls-verify")
        .arg(appliance.data().join("tls/cert.pem"))
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--generation-deterministic", "--no-shrink"])
        .args(["--max-examples", examples, "--max-time", seconds, "--rate-limit", "40/s", "--request-retries", "2"])
        // without end, or a way to the outside
        .args(["--exclude-path", "/api/v1/stream"])
        .current_dir(appliance.dir())
        .output()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let summary: Vec<&str> = text.lines().filter(|l| l.contains("generated") || l.contains("Tested:")).collect();
    println!("{}", summary.join("\n"));
    ensure!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    ensure!(!appliance.log().contains("panicked"), "{}", appliance.log());
    Ok(())
}
