//! Statistics as a Parquet file: the columns of the CSV, a row for each group, and one for all calls.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::StatsView;
use super::columns::{ColumnType, ColumnValue, columns, row, total};

/// Writes the file. In the last row, which is that of all calls, what names a group is NULL, as are figures
/// that there are none of.
///
/// # Errors
/// When `out` can't be written.
pub fn write_parquet(mut out: impl Write, shown: &StatsView<'_>) -> io::Result<()> {
    let bytes = encode(shown).map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn encode(shown: &StatsView<'_>) -> Result<Vec<u8>> {
    let columns = columns(shown);
    let field = |(name, kind): &(&str, ColumnType)| match kind {
        ColumnType::Text => format!("optional binary {name} (STRING);"),
        ColumnType::Number => format!("optional int64 {name};"),
        ColumnType::Day => format!("optional int32 {name} (DATE);"),
    };
    let fields: String = columns.iter().map(field).collect();
    let schema = Arc::new(parse_message_type(&format!(
        "message stats {{ {fields} }}"
    ))?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("calltrace".to_owned());
    let mut rows: Vec<Vec<Option<ColumnValue>>> = shown
        .groups()
        .iter()
        .map(|group| row(shown, group))
        .chain([total(shown)])
        .collect();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    for (at, (_, kind)) in columns.iter().enumerate() {
        let values = rows.iter_mut().map(|row| row[at].take());
        match kind {
            ColumnType::Text => write::<ByteArrayType>(&mut group, values, |value| match value {
                ColumnValue::Text(text) => Some(ByteArray::from(text.into_bytes())),
                _ => None,
            }),
            ColumnType::Number => write::<Int64Type>(&mut group, values, |value| match value {
                ColumnValue::Number(number) => Some(number),
                _ => None,
            }),
            ColumnType::Day => write::<Int32Type>(&mut group, values, |value| match value {
                ColumnValue::Day(day) => Some(day.to_epoch_days()),
                _ => None,
            }),
        }?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

/// Writes the next column.
fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = Option<ColumnValue>>,
    read: impl Fn(ColumnValue) -> Option<T::T>,
) -> Result<()> {
    let values: Vec<Option<T::T>> = values.map(|value| value.and_then(&read)).collect();
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let column = group.next_column()?;
    let mut column = column.expect("the schema has it");
    column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)?;
    column.close()
}
