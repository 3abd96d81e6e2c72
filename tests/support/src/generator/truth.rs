//! The contents of a tree, written next to it: `<root>.truth/<enterprise>.tsv`, one row per call.
//!
//! Columns, separated by tabs, rows in the order in which the calls' last lines reached a file:
//! 1. pattern;
//! 2. time of the first record, ms since 1970 UTC;
//! 3. UniqueIds, main first, separated by commas;
//! 4. `1` if the ids alone do not join the call (phone and time are needed), else `0`;
//! 5. lines in the order of their times: `file:offset+bytes,offset+bytes;file:...`. Offsets count
//!    uncompressed bytes, lengths leave the newline out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// One call as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthCall {
    pub enterprise: String,
    pub pattern: String,
    /// Time of the first record, ms since 1970 UTC.
    pub start_ms: i64,
    /// Main first.
    pub uids: Vec<String>,
    /// The call's ids form several components; only phone, extension and time join them.
    pub inferred: bool,
    /// In the order of the records' times.
    pub lines: Vec<LineAt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAt {
    /// Name inside the enterprise folder.
    pub file: String,
    /// In the uncompressed content.
    pub offset: u64,
    /// Without the newline.
    pub bytes: u32,
}

/// A call with lines that may still wait for their file.
pub struct OpenCall {
    pub number: u32,
    pub pattern: &'static str,
    pub uids: Vec<String>,
    pub inferred: bool,
    pub awaited: u32,
    /// Time, file (numbered by day), offset, bytes.
    pub lines: Vec<(i64, u32, u64, u32)>,
}

/// Writes one enterprise's rows as its files fill.
pub struct TruthWriter {
    out: BufWriter<File>,
    open: BTreeMap<u32, OpenCall>,
}

impl TruthWriter {
    pub fn create(root: &Path, enterprise: &str) -> io::Result<Self> {
        let folder = folder_of(root);
        std::fs::create_dir_all(&folder)?;
        let file = File::create_new(folder.join(format!("{enterprise}.tsv")))?;
        Ok(Self {
            out: BufWriter::with_capacity(1 << 18, file),
            open: BTreeMap::new(),
        })
    }

    pub fn expect(&mut self, calls: impl Iterator<Item = OpenCall>) {
        self.open.extend(calls.map(|call| (call.number, call)));
    }

    pub fn placed(&mut self, call: u32, at_ms: i64, file: u32, offset: u64, bytes: u32) {
        let call = self
            .open
            .get_mut(&call)
            .expect("a line's call is announced before its lines");
        call.lines.push((at_ms, file, offset, bytes));
        call.awaited -= 1;
    }

    /// Writes the calls that are complete; `files` are the names by number.
    pub fn write_complete(&mut self, files: &[String]) -> io::Result<()> {
        let (done, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, call)| call.awaited == 0);
        self.open = open;
        done.into_values()
            .try_for_each(|call| write_row(&mut self.out, call, files))
    }

    pub fn finish(mut self) -> io::Result<()> {
        assert!(self.open.is_empty(), "every call ends inside the tree");
        self.out.flush()
    }
}

fn write_row(out: &mut impl Write, mut call: OpenCall, files: &[String]) -> io::Result<()> {
    call.lines.sort_unstable();
    let start_ms = call.lines.first().map_or(0, |line| line.0);
    let inferred = u8::from(call.inferred);
    write!(
        out,
        "{}\t{start_ms}\t{}\t{inferred}\t",
        call.pattern,
        call.uids.join(",")
    )?;
    let mut current = None;
    for (_, file, offset, bytes) in call.lines {
        match current.replace(file) {
            Some(same) if same == file => write!(out, ",")?,
            Some(_) => write!(out, ";{}:", files[file as usize])?,
            None => write!(out, "{}:", files[file as usize])?,
        }
        write!(out, "{offset}+{bytes}")?;
    }
    writeln!(out)
}

/// Reads every enterprise's rows, enterprise by enterprise in the order of their names; a row is
/// held at a time.
///
/// # Errors
/// If the truth folder cannot be listed; then per row, if it cannot be read or is not a row.
pub fn read_truth(root: &Path) -> io::Result<impl Iterator<Item = io::Result<TruthCall>> + use<>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder_of(root))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.sort();
    Ok(files.into_iter().flat_map(|path| match File::open(&path) {
        Ok(file) => Rows {
            path,
            lines: Some(BufReader::new(file).lines()),
            failed: None,
        },
        Err(error) => Rows {
            path,
            lines: None,
            failed: Some(error),
        },
    }))
}

struct Rows {
    path: PathBuf,
    lines: Option<io::Lines<BufReader<File>>>,
    failed: Option<io::Error>,
}

impl Iterator for Rows {
    type Item = io::Result<TruthCall>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let row = self.lines.as_mut()?.next()?;
        Some(row.and_then(|row| {
            let enterprise = self.path.file_stem().unwrap_or_default().to_string_lossy();
            parse_row(&enterprise, &row).ok_or_else(|| {
                let what = format!("{}: not a row of the truth: {row}", self.path.display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            })
        }))
    }
}

fn parse_row(enterprise: &str, row: &str) -> Option<TruthCall> {
    let mut columns = row.split('\t');
    let pattern = columns.next()?.to_owned();
    let start_ms = columns.next()?.parse().ok()?;
    let uids = columns.next()?.split(',').map(str::to_owned).collect();
    let inferred = columns.next()? == "1";
    let mut lines = Vec::new();
    for group in columns.next()?.split(';') {
        let (file, spans) = group.split_once(':')?;
        for span in spans.split(',') {
            let (offset, bytes) = span.split_once('+')?;
            let (offset, bytes) = (offset.parse().ok()?, bytes.parse().ok()?);
            lines.push(LineAt {
                file: file.to_owned(),
                offset,
                bytes,
            });
        }
    }
    Some(TruthCall {
        enterprise: enterprise.to_owned(),
        pattern,
        start_ms,
        uids,
        inferred,
        lines,
    })
}

fn folder_of(root: &Path) -> PathBuf {
    let mut name = OsString::from(root.as_os_str());
    name.push(".truth");
    PathBuf::from(name)
}
