//! Turns `data/fields.txt` into one constant per field and the static table behind them.
use std::{env, fmt::Write as _, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=data/fields.txt");
    let text = fs::read_to_string("data/fields.txt")?;
    let mut out = String::new();
    let mut table = String::new();
    let mut count = 0u32;
    for line in text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            return Err(io::Error::other(format!("data/fields.txt: expected `name type [core]`, got `{line}`")));
        };
        let core = words.next() == Some("core");
        let constant: String =
            name.trim_start_matches('@').chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        // `winlog.event_data.*` names differ by case only now and then; code reaches those by name.
        if !name.starts_with("winlog.event_data.") {
            let _ = writeln!(out, "/// `{name}`\npub const {constant}: FieldId = FieldId({count});");
        }
        let kind = match kind {
            "keyword" => "Keyword",
            "text" => "Text",
            "long" => "Long",
            "double" => "Double",
            "boolean" => "Boolean",
            "ip" => "Ip",
            "date" => "Date",
            "uuid" => "Uuid",
            other => return Err(io::Error::other(format!("data/fields.txt: unknown type `{other}` of `{name}`"))),
        };
        let _ = writeln!(table, "    FieldDef {{ name: {name:?}, kind: FieldType::{kind}, core: {core} }},");
        count += 1;
    }
    let _ = write!(
        out,
        "/// Every registered field, in the order of `data/fields.txt`.\npub static STATIC: [FieldDef; {count}] = [\n{table}];\n"
    );
    let dir = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&dir).join("fields.rs"), out)
}
