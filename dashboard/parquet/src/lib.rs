//! Rows of JSON as a Parquet file: a row group at a time, so that memory does not grow with the number of rows.
//!
//! Every column is optional. A column of whole numbers or instants that meets something else refuses the row instead of losing it.

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

/// Why a row could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// A value is not what its column holds.
    #[error(
        "FSP-CLI-041: {column} holds {value} in one row, which is no {wanted}: leave the column out with --columns, or export JSON lines"
    )]
    Misfit {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// What the column holds.
        wanted: &'static str,
    },
    /// The file could not be written.
    #[error("FSP-CLI-042: the Parquet file could not be written: {0}")]
    File(#[from] ParquetError),
}

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
        for column in &mut self.columns {
            let nested = || row.pointer(&format!("/{}", column.name.replace('.', "/")));
            let value = row.get(&column.name).or_else(nested).filter(|v| !v.is_null());
            self.bytes += take(column, value)?;
        }
        self.rows += 1;
        if self.rows >= ROWS || self.bytes >= BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), WriteError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.close()?;
        Ok(())
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

/// Takes a value into its column; how many bytes it costs.
fn take(column: &mut Column, value: Option<&Value>) -> Result<usize, WriteError> {
    column.present.push(i16::from(value.is_some()));
    let Some(value) = value else { return Ok(2) };
    let misfit = |wanted| {
        let value = value.to_string().chars().take(80).collect();
        WriteError::Misfit { column: column.name.clone(), value, wanted }
    };
    let text = value.as_str();
    match &mut column.cells {
        Cells::Text(cells) => {
            let text = text.map_or_else(|| value.to_string(), str::to_owned);
            let size = text.len() + 32;
            cells.push(ByteArray::from(text.into_bytes()));
            return Ok(size);
        }
        // integers beyond 2^53 travel as text
        Cells::Whole(cells) => {
            let whole = value.as_i64().or_else(|| text.and_then(|t| t.parse().ok()));
            cells.push(whole.ok_or_else(|| misfit("whole number"))?);
        }
        Cells::Real(cells) => cells.push(value.as_f64().ok_or_else(|| misfit("number"))?),
        Cells::Flag(cells) => cells.push(value.as_bool().ok_or_else(|| misfit("truth value"))?),
        Cells::Instant(cells) => {
            let at = text.and_then(|t| t.parse::<Timestamp>().ok()).and_then(|t| i64::try_from(t.as_nanosecond()).ok());
            cells.push(at.ok_or_else(|| misfit("instant"))?);
        }
    }
    Ok(10)
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
            .open(std::env::temp_dir().join(format!("fansipan-parquet-{}", std::process::id())))
            .unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        let mut rows = Rows::new(Vec::new(), &columns()).unwrap();
        let error = rows.push(&json!({ "source.port": "ssh" })).unwrap_err().to_string();
        assert!(error.contains("source.port") && error.contains("ssh"), "{error}");
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
