//! Files: what a day's file is called, and how its content gets there.

use super::gzip::{BGZF_END, BGZF_RAW_BYTES, Members};
use super::{Compress, Names};
use chrono::NaiveDate;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

const MULTI_RAW_BYTES: usize = 1 << 20;
const WRITE_BYTES: usize = 1 << 18;
/// Where a gzip header keeps its time.
const GZIP_MTIME_AT: u64 = 4;

/// How one file is packed; `Mixed` is resolved by then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Multi,
    Bgzf,
}

/// The name of the file of `day`, 0 the oldest, and its packing: the last day's file is plain.
pub struct Place {
    pub name: String,
    packing: Packing,
}

impl Place {
    pub fn new(names: Names, compress: Compress, (day, days): (u32, u32), date: NaiveDate) -> Self {
        let last = day + 1 == days;
        let dated = || format!("events.log.{}", date.format("%Y-%m-%d"));
        let daily = || format!("events_{}.log", date.format("%Y-%m-%d"));
        let mut name = match (names, last) {
            (Names::Daily, _) => daily(),
            (_, true) => "events.log".to_owned(),
            (Names::Dated, _) => dated(),
            (Names::Logrotate, _) => format!("events.log.{}", days - 1 - day),
            (Names::Mixed, _) => match day % 3 {
                0 => dated(),
                1 => daily(),
                _ => format!("events.log-{}", date.format("%Y%m%d")),
            },
        };
        let packing = match (compress, last) {
            (_, true) | (Compress::None, _) => Packing::Plain,
            (Compress::Gzip, _) => Packing::Gzip,
            (Compress::Multi, _) => Packing::Multi,
            (Compress::Bgzf, _) => Packing::Bgzf,
            (Compress::Mixed, _) => {
                [Packing::Plain, Packing::Gzip, Packing::Multi, Packing::Bgzf][day as usize % 4]
            }
        };
        if packing != Packing::Plain {
            name.push_str(".gz");
        }
        Self { name, packing }
    }
}

/// A file being written; offsets count uncompressed bytes.
pub struct Sink {
    content: Content,
    pub offset: u64,
    last_ms: i64,
}

enum Content {
    Plain(BufWriter<File>),
    /// One member; its header's time is known at the end only and written then.
    Gzip(GzEncoder<BufWriter<File>>),
    /// A member per `step` raw bytes.
    Members {
        out: BufWriter<File>,
        raw: Vec<u8>,
        members: Members,
        packing: Packing,
        step: usize,
    },
}

impl Sink {
    /// # Errors
    /// If the file exists already or cannot be made.
    pub fn create(folder: &Path, place: &Place) -> io::Result<Self> {
        let out =
            BufWriter::with_capacity(WRITE_BYTES, File::create_new(folder.join(&place.name))?);
        let members = |out, packing, step| Content::Members {
            out,
            raw: Vec::with_capacity(step + (1 << 16)),
            members: Members::new(),
            packing,
            step,
        };
        let content = match place.packing {
            Packing::Plain => Content::Plain(out),
            Packing::Gzip => Content::Gzip(
                GzBuilder::new()
                    .operating_system(3)
                    .write(out, Compression::new(6)),
            ),
            Packing::Multi => members(out, Packing::Multi, MULTI_RAW_BYTES),
            Packing::Bgzf => members(out, Packing::Bgzf, BGZF_RAW_BYTES),
        };
        Ok(Self {
            content,
            offset: 0,
            last_ms: 0,
        })
    }

    /// Writes a line and its newline; returns the line's offset.
    pub fn line(&mut self, line: &[u8]) -> io::Result<u64> {
        let at = self.offset;
        self.offset += line.len() as u64 + 1;
        match &mut self.content {
            Content::Plain(out) => {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
            Content::Gzip(out) => {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
            Content::Members {
                out,
                raw,
                members,
                packing,
                step,
            } => {
                raw.extend_from_slice(line);
                raw.push(b'\n');
                while raw.len() >= *step {
                    put_member(out, members, *packing, &raw[..*step], self.last_ms)?;
                    raw.drain(..*step);
                }
            }
        }
        Ok(at)
    }

    /// Writes a record's line; the file's time becomes the latest record's.
    pub fn record(&mut self, line: &[u8], at_ms: i64) -> io::Result<u64> {
        self.last_ms = self.last_ms.max(at_ms);
        self.line(line)
    }

    /// Ends the content and sets the file's mtime to its last record's time.
    pub fn finish(self) -> io::Result<()> {
        let file = match self.content {
            Content::Plain(out) => out.into_inner()?,
            Content::Gzip(out) => {
                let mut file = out.finish()?.into_inner()?;
                file.seek(SeekFrom::Start(GZIP_MTIME_AT))?;
                file.write_all(&seconds(self.last_ms).to_le_bytes())?;
                file
            }
            Content::Members {
                mut out,
                raw,
                mut members,
                packing,
                ..
            } => {
                if !raw.is_empty() {
                    put_member(&mut out, &mut members, packing, &raw, self.last_ms)?;
                }
                if packing == Packing::Bgzf {
                    out.write_all(&BGZF_END)?;
                }
                out.into_inner()?
            }
        };
        file.set_modified(UNIX_EPOCH + Duration::from_millis(self.last_ms.max(0) as u64))
    }
}

fn put_member(
    out: &mut BufWriter<File>,
    members: &mut Members,
    packing: Packing,
    raw: &[u8],
    last_ms: i64,
) -> io::Result<()> {
    match packing {
        Packing::Bgzf => members.block(out, raw),
        _ => members.member(out, raw, seconds(last_ms)),
    }
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms.div_euclid(1000)).unwrap_or(0)
}
