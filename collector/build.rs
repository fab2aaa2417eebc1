//! Embeds every `formats/*/format.toml`, so that a new format is a new folder and nothing else.
use std::{env, fmt::Write as _, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=formats");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("formats");
    let mut folders = Vec::new();
    for entry in fs::read_dir(&root)? {
        let path = entry?.path();
        let file = path.join("format.toml");
        if file.is_file() {
            println!("cargo::rerun-if-changed={}", file.display());
            folders.push((path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(), file));
        }
    }
    folders.sort();
    let mut out = String::from("pub(super) const FORMATS: &[(&str, &str)] = &[\n");
    for (name, file) in folders {
        let _ = writeln!(out, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    out.push_str("];\n");
    let dir = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&dir).join("formats.rs"), out)
}
