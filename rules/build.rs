//! Lists the shipped rules (`packs/AREA/NAME.yml`) with their texts.
use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=packs");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let mut out =
        String::from("/// File name and text of every shipped rule, sorted by file name.\npub const SHIPPED: &[(&str, &str)] = &[\n");
    for area in sorted(&root.join("packs"))? {
        if !area.is_dir() {
            continue;
        }
        println!("cargo::rerun-if-changed={}", area.display());
        for file in sorted(&area)?.into_iter().filter(|f| f.extension().is_some_and(|e| e == "yml")) {
            let name = file.strip_prefix(&root).unwrap_or(&file);
            let _ = writeln!(out, "    ({:?}, include_str!({:?})),", name.display().to_string(), file.display().to_string());
        }
    }
    out.push_str("];\n");
    let dir = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&dir).join("packs.rs"), out)
}

fn sorted(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut list = fs::read_dir(dir)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    list.sort();
    Ok(list)
}
