//! Calls into a file, one after the other: what the formats of an export have in common.

use std::io::{self, Write};

use super::{Clock, json};
use calltrace_engine::{CallsWriter, TableRow};
use calltrace_model::call::Summary;
use calltrace_store::tree::EnterpriseName;

/// Writes calls in one format.
pub trait RowWriter {
    /// Adds a call; they come in order of time.
    ///
    /// # Errors
    /// When the output can't be written.
    fn row(&mut self, enterprise: &EnterpriseName, call: &Summary) -> io::Result<()>;

    /// Writes what is still to be written. Without it the file is incomplete.
    ///
    /// # Errors
    /// When the output can't be written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The rows of `search --format ndjson`, without the report.
pub struct NdjsonRows<W: Write> {
    out: W,
    clock: Clock,
}

impl<W: Write> NdjsonRows<W> {
    /// Rows into `out`.
    pub fn new(out: W, clock: &Clock) -> NdjsonRows<W> {
        let clock = *clock;
        NdjsonRows { out, clock }
    }
}

impl<W: Write> RowWriter for NdjsonRows<W> {
    fn row(&mut self, enterprise: &EnterpriseName, call: &Summary) -> io::Result<()> {
        let row = json::row(enterprise.as_str(), call, &self.clock);
        json::write(&mut self.out, &row, false)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// The rows of a table of calls, as a Parquet file. Each call has its [`Summary::digest`].
pub struct ParquetRows<W: Write + Send> {
    calls: CallsWriter<W>,
}

impl<W: Write + Send> ParquetRows<W> {
    /// A file into `out`.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn new(out: W, clock: &Clock) -> io::Result<ParquetRows<W>> {
        let calls = CallsWriter::new(out, clock.log)?;
        Ok(ParquetRows { calls })
    }
}

impl<W: Write + Send> RowWriter for ParquetRows<W> {
    fn row(&mut self, enterprise: &EnterpriseName, call: &Summary) -> io::Result<()> {
        let mut call = call.clone();
        let digest = call.digest.take().expect("the question asks for it");
        self.calls.push(TableRow {
            enterprise: enterprise.to_string(),
            call,
            digest: *digest,
        })
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.calls.finish()
    }
}
