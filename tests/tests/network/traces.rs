//! What the detectors say about the traces of protocols.

use std::{env, path::PathBuf};

use super::kit::alerts;

/// Trace, title, part of what it says; looked at one by one and found right.
const RIGHT: [(&str, &str, &str); 3] = [
    ("ftp_bruteforce.pcap", "Passwords guessed over the network", "refused=30"),
    ("socks-with-ssl.pcap", "Odd or weak certificate", "RSA key of 1024 bits"),
    ("tls_cert-no-cn.pcap", "Self-signed certificate on the Internet", "names nobody"),
];

#[test]
fn the_traces_raise_what_they_should() {
    let root = env::var_os("FANSIPAN_TEST_DATA").map_or_else(|| PathBuf::from("../../shared/data"), PathBuf::from);
    let Some(folder) = [root.join("pcap"), PathBuf::from("/work/shared/data/pcap")].into_iter().find(|f| f.is_dir()) else {
        println!("SKIPPED: no traces; set FANSIPAN_TEST_DATA");
        return;
    };
    let detectors = fansipan_analyzer::Parameters::shipped().expect("parameters");
    let titles: Vec<String> = detectors.findings().map(|(_, rule)| rule.title).collect();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng"));
    files.sort();
    let mut told = Vec::new();
    for file in &files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        told.extend(
            alerts(file, 1).into_iter().filter(|(title, _)| titles.contains(title)).map(|(title, says)| (name.clone(), title, says)),
        );
    }
    let wrong: Vec<_> = told.iter().filter(|t| !RIGHT.iter().any(|r| t.0 == r.0 && t.1 == r.1 && t.2.contains(r.2))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(told.len(), RIGHT.len(), "{told:#?}");
}
