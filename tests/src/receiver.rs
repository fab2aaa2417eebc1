//! A device that takes orders: a double of a webhook, on loopback.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
};

use anyhow::Result;
use serde_json::Value;

/// Orders as they came, by their key.
pub type Orders = Arc<Mutex<Vec<(String, Value)>>>;

/// A receiver of signed orders on loopback; keeps what it was told, by its key.
pub fn start() -> Result<(u16, Orders)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let orders = Orders::default();
    let kept = Arc::clone(&orders);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = BufReader::new(stream);
            let (mut length, mut key, mut line) = (0, String::new(), String::new());
            while stream.read_line(&mut line).is_ok_and(|n| n > 2) {
                if let Some((name, value)) = line.trim().split_once(": ") {
                    match name.to_ascii_lowercase().as_str() {
                        "content-length" => length = value.parse().unwrap_or(0),
                        "idempotency-key" => key = value.to_owned(),
                        _ => {}
                    }
                }
                line.clear();
            }
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).is_ok() {
                let order = serde_json::from_slice(&body).unwrap_or(Value::Null);
                kept.lock().expect("orders").push((key, order));
                let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        }
    });
    Ok((port, orders))
}

/// The configuration of an appliance whose device `fw` is that receiver.
pub fn config(dir: &std::path::Path, port: u16) -> Result<String> {
    let secret = dir.join("secret");
    fs::write(&secret, "s3cr3t\n")?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    Ok(format!(
        "[response]\nverify = \"5s\"\nretry = \"1s\"\n[response.protected]\nnetworks = [\"10.20.0.0/16\"]\n\
         [response.roles]\nborder = \"fw\"\nmail = \"fw\"\n\
         [response.devices.fw]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/orders\"\nsecret = {secret:?}\ninside = [\"127.0.0.0/8\"]\n"
    ))
}
