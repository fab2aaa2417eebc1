//! `fansipan parse`: raw log records in, one flat ECS JSON object per line out, in order.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use fansipan_collector::{Received, SourceState, Transport, records::Records};
use fansipan_model::{Value, fields, json};

use super::evidence;
use crate::{Fault, Outcome, args::ParseArgs, output};

pub(super) fn parse(args: &ParseArgs) -> Result<Outcome> {
    let normalizer = evidence::normalizer()?;
    let mut source = SourceState::default();
    if args.format != "auto" {
        let Some(format) = normalizer.format_named(&args.format) else {
            let mut names: Vec<&str> = normalizer.formats().map(|(_, info)| &*info.name).collect();
            names.sort_unstable();
            anyhow::bail!(Fault::NoFormat { name: args.format.clone(), names: names.join(", ") });
        };
        source.pin(Some(format));
    }
    let path = args.file.as_deref().filter(|p| *p != Path::new("-"));
    let input: Box<dyn BufRead> = match path {
        Some(path) => Box::new(BufReader::new(File::open(path).with_context(|| Fault::CannotOpen { path: path.display().to_string() })?)),
        None => Box::new(io::stdin().lock()),
    };
    let name = path.map(|p| p.display().to_string());
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    for record in Records::new(input) {
        let record = record.context(Fault::ReadingStopped)?;
        let transport = if name.is_some() { Transport::File } else { Transport::Stdin };
        let received = Received { raw: &record.bytes, peer: None, transport, tls_identity: None, at: output::now(), path: name.as_deref() };
        let mut event = normalizer.normalize(&mut source, &received);
        if record.truncated {
            event.set(fields::FANSIPAN_TRUNCATED, Value::Bool(true));
        }
        line.clear();
        json::write(&event, &mut line);
        out.write_all(&output::harmless_json(&line))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
