//! Every task of a responder at the shell, as transcripts against a running appliance: `transcripts/`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use fansipan_tests::{appliance::Appliance, receiver, transcript};

#[test]
fn what_a_responder_types_and_what_comes_back() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (port, _orders) = receiver::start()?;
    let appliance = Appliance::start(&receiver::config(dir.path(), port)?)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeMap::from([
        ("rules".to_owned(), root.join("../rules/packs").display().to_string()),
        ("data".to_owned(), appliance.data().display().to_string()),
        ("https".to_owned(), appliance.https.to_string()),
    ]);
    let mut files: Vec<_> = fs::read_dir(root.join("transcripts"))?.flatten().map(|e| e.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    files.sort();
    ensure!(files.len() >= 10, "transcripts are missing");
    for path in files {
        transcript::play(&appliance, &fs::read_to_string(&path)?, &mut known).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
