//! What rows look like on their way to the reader: a line of JSON each, a line of a table, or a Parquet file.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use fansipan_model::{
    Event, Value as Field,
    field::{FieldId, FieldType},
    json as flat,
};
use fansipan_parquet::{Kind, Rows, WriteError};
use serde_json::Value;
use tokio::sync::mpsc;

/// Bytes of a piece of the answer.
const PIECE: usize = 64 << 10;

/// What an export may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    Table,
    Parquet,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "jsonl" => Self::Lines,
            "csv" => Self::Table,
            "parquet" => Self::Parquet,
            _ => return None,
        })
    }

    /// Media type and ending of a file's name.
    pub(super) fn media(self) -> (&'static str, &'static str) {
        match self {
            Self::Lines => ("application/x-ndjson", "jsonl"),
            Self::Table => ("text/csv; charset=utf-8", "csv"),
            Self::Parquet => ("application/vnd.apache.parquet", "parquet"),
        }
    }
}

/// Bytes on their way to the reader, in pieces. An error: the reader is gone, or the appliance stops.
pub(super) struct Pieces {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    stop: tokio_util::sync::CancellationToken,
}

impl Pieces {
    pub(super) fn new(sender: mpsc::Sender<io::Result<Vec<u8>>>, stop: tokio_util::sync::CancellationToken) -> Self {
        Self { sender, piece: Vec::with_capacity(PIECE), stop }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        if self.stop.is_cancelled() || self.sender.blocking_send(Ok(piece)).is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

enum Form {
    Lines(Pieces),
    Table(Pieces, Vec<String>),
    Parquet(Box<Rows<Pieces>>),
}

/// Rows on their way to the reader.
pub(super) struct Out(Result<Form, WriteError>);

impl Out {
    /// `what`: the kind of rows, which says what columns hold.
    pub(super) fn new(pieces: Pieces, format: Format, what: &str, columns: Vec<String>) -> Self {
        Self(match format {
            Format::Lines => Ok(Form::Lines(pieces)),
            Format::Table => table(pieces, columns).map_err(WriteError::from),
            Format::Parquet => {
                let columns: Vec<(String, Kind)> = columns.into_iter().map(|name| (name.clone(), kind(what, &name))).collect();
                Rows::new(pieces, &columns).map(|rows| Form::Parquet(Box::new(rows)))
            }
        })
    }

    pub(super) fn event(&mut self, event: &Event) -> ControlFlow<()> {
        self.take(|form| match form {
            Form::Lines(pieces) => line(pieces, flat::to_string(event).as_bytes()).map_err(WriteError::from),
            Form::Table(pieces, columns) => {
                let cell = |name: &String| event.get_by_name(name).and_then(Field::text).unwrap_or_default().into_owned();
                record(pieces, columns.iter().map(cell)).map_err(WriteError::from)
            }
            Form::Parquet(rows) => rows.push(&serde_json::from_str(&flat::to_string(event)).unwrap_or_default()),
        })
    }

    pub(super) fn row(&mut self, row: &Value) -> ControlFlow<()> {
        self.take(|form| match form {
            Form::Lines(pieces) => line(pieces, &serde_json::to_vec(row).unwrap_or_default()).map_err(WriteError::from),
            Form::Table(pieces, columns) => {
                let cell = |name: &String| text(row.pointer(&format!("/{}", name.replace('.', "/"))));
                record(pieces, columns.iter().map(cell)).map_err(WriteError::from)
            }
            Form::Parquet(rows) => rows.push(row),
        })
    }

    fn take(&mut self, write: impl FnOnce(&mut Form) -> Result<(), WriteError>) -> ControlFlow<()> {
        let Ok(form) = &mut self.0 else { return ControlFlow::Break(()) };
        match write(form) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.0 = Err(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Writes the end.
    ///
    /// # Errors
    /// The rows are not whole: one could not be written, the reader is gone, or the appliance stops.
    pub(super) fn finish(self) -> Result<(), WriteError> {
        let mut pieces = match self.0? {
            Form::Lines(pieces) | Form::Table(pieces, _) => pieces,
            Form::Parquet(rows) => rows.finish()?,
        };
        Ok(pieces.flush()?)
    }
}

/// What a column holds.
fn kind(what: &str, name: &str) -> Kind {
    if what != "events" {
        return match name {
            "raised" | "first_seen" | "last_seen" | "opened" | "at" => Kind::Instant,
            "count" | "alerts" | "events" | "number" | "version" => Kind::Whole,
            "drill" | "allowed" => Kind::Flag,
            _ => Kind::Text,
        };
    }
    match FieldId::lookup(name).map(FieldId::kind) {
        Some(FieldType::Long) => Kind::Whole,
        Some(FieldType::Double) => Kind::Real,
        Some(FieldType::Boolean) => Kind::Flag,
        Some(FieldType::Date) => Kind::Instant,
        _ => Kind::Text,
    }
}

fn line(pieces: &mut Pieces, json: &[u8]) -> io::Result<()> {
    pieces.write_all(json)?;
    pieces.write_all(b"\n")
}

fn table(mut pieces: Pieces, columns: Vec<String>) -> io::Result<Form> {
    // tells spreadsheets that it is UTF-8
    pieces.write_all("\u{feff}".as_bytes())?;
    record(&mut pieces, columns.iter().map(|c| c.as_str().into()))?;
    Ok(Form::Table(pieces, columns))
}

fn record(pieces: &mut Pieces, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let mut line = Vec::new();
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            line.push(b',');
        }
        quoted(&cell, &mut line);
    }
    line.extend_from_slice(b"\r\n");
    pieces.write_all(&line)
}

/// A JSON value in a cell; entities as `kind:value`.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().map(|v| text(Some(v))).collect::<Vec<_>>().join(" "),
        Some(Value::Object(map)) if map.contains_key("kind") && map.contains_key("value") => {
            format!("{}:{}", text(map.get("kind")), text(map.get("value")))
        }
        Some(other) => other.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection): a quote goes before what could begin one.
fn quoted(cell: &str, out: &mut Vec<u8>) {
    let number = cell.parse::<f64>().is_ok();
    let formula = !number && cell.trim_start_matches([' ', '\u{feff}']).starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%']);
    let needs = formula || cell.contains([',', '"', '\n', '\r', ';', '\t']);
    if !needs {
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for byte in cell.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("-12.5", "-12.5"),
            ("=1+1", "\"'=1+1\""),
            ("+cmd|' /C calc'!A0", "\"'+cmd|' /C calc'!A0\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("  =1", "\"'  =1\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("a\nb", "\"a\nb\""),
        ] {
            let mut out = Vec::new();
            quoted(cell, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
