//! Rows of JSON as a Parquet file: a row group at a time, so that memory does not grow with the number of rows.
//!
//! Every column is optional. What does not fit its column (a word in a column of whole numbers) is kept in [`MISFITS`].

use std::{io::Write, mem, sync::Arc};

use jiff::Timestamp;
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use serde_json::Value;
use thiserror::Error;

/// Rows of a row group.
const ROWS: usize = 20_000;
/// Bytes of text after which a row group ends, however few its rows.
const BYTES: usize = 32 << 20;

/// The file could not be written.
#[derive(Debug, Error)]
#[error("FSP-CLI-042: the Parquet file could not be written: {0}")]
pub struct WriteError(#[from] ParquetError);

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

/// The last column of every file: by column, as JSON, the values of a row that are not what their column holds.
pub const MISFITS: &str = "_misfits";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; arrays and objects as JSON.
    Text,
    /// Signed 64-bit integers.
    Whole,
    /// IEEE 754 doubles.
    Real,
    /// true or false.
    Flag,
    /// Instants, UTC, nanoseconds.
    Instant,
}

enum Cells {
    Text(Vec<ByteArray>),
    Whole(Vec<i64>),
    Real(Vec<f64>),
    Flag(Vec<bool>),
    Instant(Vec<i64>),
}

struct Column {
    name: String,
    cells: Cells,
    /// 1 where the row has a value.
    present: Vec<i16>,
}

/// A Parquet file being written.
pub struct Rows<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> Rows<W> {
    /// Begins a file with these columns.
    pub fn new(out: W, columns: &[(String, Kind)]) -> Result<Self, WriteError> {
        let columns: Vec<_> = columns.iter().cloned().chain([(MISFITS.to_owned(), Kind::Text)]).collect();
        let fields = columns.iter().map(|(name, kind)| field(name, *kind).map(Arc::new)).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("rows").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("fansipan ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        let columns = columns.iter().map(|(name, kind)| Column { name: name.clone(), cells: empty(*kind), present: Vec::new() }).collect();
        Ok(Self { file, columns, rows: 0, bytes: 0 })
    }

    /// Takes a row: flat with dotted names, or nested.
    pub fn push(&mut self, row: &Value) -> Result<(), WriteError> {
        let mut misfits = serde_json::Map::new();
        let Some((last, columns)) = self.columns.split_last_mut() else { return Ok(()) };
        for column in columns {
            let nested = || row.pointer(&format!("/{}", column.name.replace('.', "/")));
            let value = row.get(&column.name).or_else(nested).filter(|v| !v.is_null());
            let taken = take(column, value);
            self.bytes += taken.unwrap_or(2);
            if let (None, Some(value)) = (taken, value) {
                misfits.insert(column.name.clone(), value.clone());
            }
        }
        let misfits = (!misfits.is_empty()).then_some(Value::Object(misfits));
        self.bytes += take(last, misfits.as_ref()).unwrap_or(2);
        self.rows += 1;
        if self.rows >= ROWS || self.bytes >= BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the file; what it was written to.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.rows > 0 {
            self.flush()?;
        }
        Ok(self.file.into_inner()?)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let present = mem::take(&mut column.present);
            match &mut column.cells {
                Cells::Text(cells) => write::<W, ByteArrayType>(&mut group, &mem::take(cells), &present)?,
                Cells::Whole(cells) | Cells::Instant(cells) => write::<W, Int64Type>(&mut group, &mem::take(cells), &present)?,
                Cells::Real(cells) => write::<W, DoubleType>(&mut group, &mem::take(cells), &present)?,
                Cells::Flag(cells) => write::<W, BoolType>(&mut group, &mem::take(cells), &present)?,
            }
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

fn field(name: &str, kind: Kind) -> Result<Type, ParquetError> {
    let (physical, logical) = match kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Whole => (Physical::INT64, None),
        Kind::Real => (Physical::DOUBLE, None),
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
    };
    Type::primitive_type_builder(name, physical).with_logical_type(logical).with_repetition(Repetition::OPTIONAL).build()
}

fn empty(kind: Kind) -> Cells {
    match kind {
        Kind::Text => Cells::Text(Vec::new()),
        Kind::Whole => Cells::Whole(Vec::new()),
        Kind::Real => Cells::Real(Vec::new()),
        Kind::Flag => Cells::Flag(Vec::new()),
        Kind::Instant => Cells::Instant(Vec::new()),
    }
}

/// Takes a value into its column; how many bytes it costs. `None`: it is not what the column holds, and is not taken.
fn take(column: &mut Column, value: Option<&Value>) -> Option<usize> {
    let taken = value.and_then(|value| put(&mut column.cells, value));
    column.present.push(i16::from(taken.is_some()));
    if value.is_none() { Some(2) } else { taken }
}

fn put(cells: &mut Cells, value: &Value) -> Option<usize> {
    let text = value.as_str();
    match cells {
        Cells::Text(cells) => {
            let text = text.map_or_else(|| value.to_string(), str::to_owned);
            let size = text.len() + 32;
            cells.push(ByteArray::from(text.into_bytes()));
            return Some(size);
        }
        // integers beyond 2^53 travel as text
        Cells::Whole(cells) => cells.push(value.as_i64().or_else(|| text.and_then(|t| t.parse().ok()))?),
        Cells::Real(cells) => cells.push(value.as_f64()?),
        Cells::Flag(cells) => cells.push(value.as_bool()?),
        Cells::Instant(cells) => {
            cells.push(text.and_then(|t| t.parse::<Timestamp>().ok()).and_then(|t| i64::try_from(t.as_nanosecond()).ok())?);
        }
    }
    Some(10)
}

fn write<W: Write + Send, T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: &[T::T],
    present: &[i16],
) -> Result<(), WriteError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column is missing".to_owned()).into());
    };
    column.typed::<T>().write_batch(cells, Some(present), None)?;
    column.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::RowAccessor as _,
    };
    use serde_json::json;

    use super::*;

    fn columns() -> Vec<(String, Kind)> {
        let column = |name: &str, kind| (name.to_owned(), kind);
        vec![
            column("@timestamp", Kind::Instant),
            column("source.ip", Kind::Text),
            column("source.port", Kind::Whole),
            column("rule.title", Kind::Text),
            column("drill", Kind::Flag),
        ]
    }

    #[test]
    fn rows_are_read_back_as_they_were() {
        let mut bytes = Vec::new();
        let mut rows = Rows::new(&mut bytes, &columns()).unwrap();
        let count = ROWS as u64 * 2 + 7;
        for n in 0..count {
            let port = if n % 3 == 0 { json!(null) } else { json!(n) };
            rows.push(&json!({ "@timestamp": "2026-11-28T08:00:00.000000001Z", "source.ip": "=cmd|x", "source.port": port, "rule": { "title": format!("Đăng nhập {n}") }, "drill": n % 2 == 0 }))
                .unwrap();
        }
        rows.finish().unwrap();
        let file = SerializedFileReader::new(parquet_bytes(bytes)).unwrap();
        assert_eq!(file.metadata().num_row_groups(), 3);
        let mut read = 0u64;
        for row in file.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            assert_eq!(row.get_string(1).unwrap(), "=cmd|x", "nothing is changed: no spreadsheet computes in Parquet");
            assert_eq!(row.get_long(2).ok(), (!read.is_multiple_of(3)).then_some(read as i64));
            assert_eq!(row.get_string(3).unwrap(), &format!("Đăng nhập {read}"));
            read += 1;
        }
        assert_eq!(read, count);
    }

    /// `Bytes` without naming the crate: the reader wants a `ChunkReader`.
    fn parquet_bytes(bytes: Vec<u8>) -> std::fs::File {
        use std::io::{Seek as _, Write as _};
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(std::env::temp_dir().join(format!("fansipan-parquet-{}-{}", std::process::id(), bytes.len())))
            .unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn a_value_that_does_not_fit_is_kept_beside() {
        let mut bytes = Vec::new();
        let mut rows = Rows::new(&mut bytes, &columns()).unwrap();
        rows.push(&json!({ "source.ip": "10.0.0.1", "source.port": "ssh", "drill": true })).unwrap();
        rows.push(&json!({ "source.port": 22 })).unwrap();
        rows.finish().unwrap();
        let file = SerializedFileReader::new(parquet_bytes(bytes)).unwrap();
        let rows: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows[0].get_string(5).unwrap(), r#"{"source.port":"ssh"}"#);
        assert!(rows[0].get_long(2).is_err() && rows[0].get_bool(4).unwrap());
        assert!(rows[1].get_string(5).is_err() && rows[1].get_long(2).unwrap() == 22);
    }

    #[test]
    fn memory_is_bounded_by_bytes_too() {
        let mut rows = Rows::new(std::io::sink(), &columns()).unwrap();
        let long = "x".repeat(1 << 20);
        for _ in 0..100 {
            rows.push(&json!({ "source.ip": long })).unwrap();
            assert!(rows.bytes < BYTES + (2 << 20));
        }
        rows.finish().unwrap();
    }
}
