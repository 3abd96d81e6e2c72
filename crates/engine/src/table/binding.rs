//! What a table was made of: which files, how far they went, and by which rules.
//!
//! A table is bound to content, not to names: the live file of yesterday is today's archive. Content counts
//! as the same if an index (which a fingerprint binds to its file) names the same checksum, or if both ends
//! of what was read are unchanged, as for a file with an index.

use std::sync::Arc;

use crate::corpus::Corpus;
use crate::window::TimeWindow;
use calltrace_model::call::reach;
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::error::{TimeRange, Trouble};
use calltrace_store::index::Index;
use calltrace_store::source::{Source, last_line_end};

/// Increased whenever the same records may yield other calls.
const CALL_RULES: u32 = 4;

/// Number of bytes that are compared at either end of the content read.
const PRINT_BYTES: u64 = 4096;

/// A record may be written this much later (milliseconds) than records with a later time.
pub(crate) const DISORDER_MILLIS: i64 = 60_000;

/// With more lines of no known kind than this, a table is not worth its cost.
const UNPARSED_MAX: usize = 10_000;

/// Which calls a table has, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The table has the calls that began at this time or later.
    pub(crate) from: Stamp,
    /// It does not have calls that began at this time or later.
    pub(crate) cut: Stamp,
    /// All records up to this time were read.
    pub(crate) reached: Stamp,
    /// The times of lines of no known kind, in order, from `from` to `cut`.
    pub(crate) unparsed: Vec<Stamp>,
    /// Whether a main leg may have been born before `from`, so that a table of earlier calls may show it as well.
    pub(crate) is_carried: bool,
    zone: String,
    files: Vec<BoundFile>,
    troubles: Vec<NotedTrouble>,
}

/// Damage in a file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NotedTrouble {
    /// Index of the file in [`Binding`].
    file: usize,
    at: u64,
    first_only: bool,
    hides: Option<TimeRange>,
    what: String,
}

/// How a table relates to a corpus.
#[derive(Debug)]
pub(crate) struct BindingMatch {
    /// From this time on the table has the calls that the corpus would give.
    pub(crate) from: Stamp,
    /// By source, how many of its bytes were read for the table.
    pub(crate) read: Vec<Option<u64>>,
    /// Damage in those bytes.
    pub(crate) troubles: Vec<Trouble>,
}

/// A file, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BoundFile {
    /// Length of its content that was read.
    bytes: u64,
    /// Checksum of its whole content, if an index knew it.
    crc: Option<u32>,
    head: u32,
    tail: u32,
    /// Length and modification time of a plain file: if the length is the same, the time must be too.
    plain: Option<(u64, i64)>,
    first: Option<Stamp>,
    last: Option<Stamp>,
}

impl Binding {
    /// Binds the calls that began within a window to `corpus`. `None` if its content can't be distinguished from other
    /// content.
    pub(crate) fn of(
        corpus: &Corpus,
        zone: LogZone,
        (window, is_carried): (TimeWindow, bool),
        reached: Stamp,
        unparsed: Vec<Stamp>,
        troubles: &[Trouble],
    ) -> Option<Binding> {
        let (from, cut) = (window.start, window.end);
        if unparsed.len() > UNPARSED_MAX {
            return None;
        }
        let near: Vec<usize> = near(corpus, from, reached).collect();
        let files: Option<Vec<BoundFile>> =
            near.iter().map(|at| BoundFile::of(corpus, *at)).collect();
        let files = files?;
        let mut noted = Vec::new();
        for trouble in troubles {
            let path = |at: &usize| corpus.sources[*at].log.path == trouble.path;
            let file = near.iter().position(path)?;
            // Later damage concerns readers of later content.
            if trouble.at < files[file].bytes {
                noted.push(NotedTrouble {
                    file,
                    at: trouble.at,
                    first_only: trouble.first_only,
                    hides: trouble.hides,
                    what: Some(trouble.what.clone()).filter(|what| !what.contains('\n'))?,
                });
            }
        }
        Some(Binding {
            from,
            cut,
            reached,
            unparsed,
            is_carried,
            zone: zone.0.name().to_owned(),
            files,
            troubles: noted,
        })
    }

    /// The window of time in which the calls of the table began.
    pub(crate) fn window(&self) -> TimeWindow {
        TimeWindow {
            start: self.from,
            end: self.cut,
        }
    }

    /// How the table relates to `corpus`. If files of an earlier time have changed, it is valid only from a
    /// later time than [`Binding::from`] on. `None` when it can't be used.
    pub(crate) fn held(&self, corpus: &Corpus, zone: LogZone) -> Option<BindingMatch> {
        if self.zone != zone.0.name() {
            return None;
        }
        let mut met: Vec<Option<usize>> = vec![None; self.files.len()];
        let mut holds_older = true;
        let mut read = vec![None; corpus.sources.len()];
        for at in near(corpus, self.from, self.reached) {
            let mut open = (0..)
                .zip(&self.files)
                .filter(|(file, _)| met[*file].is_none());
            match open.find(|(_, bound)| bound.is_of(corpus, at, self.reached)) {
                Some((file, bound)) => {
                    read[at] = Some(bound.bytes);
                    met[file] = Some(at);
                }
                None if is_older(corpus.bounds[at].last, self.from) => holds_older = false,
                None => return None,
            }
        }
        for (bound, _) in self.files.iter().zip(&met).filter(|(_, met)| met.is_none()) {
            match is_older(bound.last, self.from) {
                true => holds_older = false,
                false => return None,
            }
        }
        let edge = reach::HORIZON_MILLIS + reach::QUIET_MILLIS;
        let from = match holds_older {
            true => self.from,
            // No call in those files is silent for longer than this.
            false => self.from.plus_millis(edge),
        };
        let troubles = self.troubles.iter().filter_map(|noted| {
            let source = &corpus.sources[(*met.get(noted.file)?)?];
            Some(Trouble {
                at: noted.at,
                first_only: noted.first_only,
                hides: noted.hides,
                ..Trouble::new(&source.log.path, noted.what.clone())
            })
        });
        Some(BindingMatch {
            from,
            read,
            troubles: troubles.collect(),
        })
    }

    /// The binding as lines of text.
    pub(crate) fn encode(&self) -> String {
        let times = |times: &[Stamp]| {
            let times: Vec<String> = times.iter().map(|at| at.0.to_string()).collect();
            times.join(" ")
        };
        let mut text = format!(
            "rules {CALL_RULES}\nzone {}\ncalls {}\nunparsed {}\ncarried {}\n",
            self.zone,
            times(&[self.from, self.cut, self.reached]),
            times(&self.unparsed),
            i32::from(self.is_carried),
        );
        for file in &self.files {
            let number = |number: Option<i64>| number.map_or("-".to_owned(), |n| n.to_string());
            let plain = file.plain;
            text += &format!(
                "file {} {} {} {} {} {} {} {}\n",
                file.bytes,
                number(file.crc.map(i64::from)),
                file.head,
                file.tail,
                number(plain.and_then(|(bytes, _)| i64::try_from(bytes).ok())),
                number(plain.map(|(_, modified)| modified)),
                number(file.first.map(|at| at.0)),
                number(file.last.map(|at| at.0)),
            );
        }
        for noted in &self.troubles {
            let first_only = i32::from(noted.first_only);
            let end = |at: Option<Stamp>| at.map_or("-".to_owned(), |at| at.0.to_string());
            let hides = match noted.hides {
                Some(TimeRange { from, to }) => format!("{} {}", end(from), end(to)),
                None => "none none".to_owned(),
            };
            text += &format!(
                "trouble {} {} {first_only} {hides} {}\n",
                noted.file, noted.at, noted.what
            );
        }
        text
    }

    /// `None` for a text that is not a binding, and for a binding by other rules.
    pub(crate) fn decode(text: &str) -> Option<Binding> {
        let mut lines = text.lines();
        let mut line = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        if line("rules")? != CALL_RULES.to_string() {
            return None;
        }
        let zone = line("zone")?.to_owned();
        let times = |text: &str| -> Option<Vec<Stamp>> {
            let times = text.split_ascii_whitespace();
            times.map(|at| Some(Stamp(at.parse().ok()?))).collect()
        };
        let [from, cut, reached] = times(line("calls")?)?.try_into().ok()?;
        let unparsed = times(line("unparsed")?)?;
        let is_carried = line("carried")? != "0";
        let (mut files, mut troubles) = (Vec::new(), Vec::new());
        for line in lines {
            match line.split_once(' ')? {
                ("file", text) => files.push(BoundFile::decode(text)?),
                ("trouble", text) => troubles.push(NotedTrouble::decode(text)?),
                _ => return None,
            }
        }
        let is_sound = from <= cut && cut <= reached.max(cut) && unparsed.is_sorted();
        is_sound.then_some(Binding {
            from,
            cut,
            reached,
            unparsed,
            is_carried,
            zone,
            files,
            troubles,
        })
    }

    /// An upper bound of the log bytes that were read.
    pub(crate) fn content_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// The sources that may hold records of calls that began at `from` or later, as far as they were read up to
/// `reached`.
fn near(corpus: &Corpus, from: Stamp, reached: Stamp) -> impl Iterator<Item = usize> {
    let before = from.plus_millis(-(reach::HORIZON_MILLIS + reach::QUIET_MILLIS));
    let bounds = corpus.bounds.iter().enumerate();
    let near = bounds.filter(move |(_, bounds)| {
        bounds.first.is_none_or(|first| first <= reached)
            && bounds.last.is_none_or(|last| last >= before)
    });
    near.map(|(at, _)| at)
}

/// Whether a file that ends at `last` ends before the time `than`.
fn is_older(last: Option<Stamp>, than: Stamp) -> bool {
    last.is_some_and(|last| last < than)
}

impl NotedTrouble {
    fn decode(text: &str) -> Option<NotedTrouble> {
        let mut fields = text.splitn(6, ' ');
        let mut next = || fields.next();
        let (file, at, first_only) = (next()?, next()?, next()?);
        let end = |text: &str| match text {
            "-" => Some(None),
            _ => Some(Some(Stamp(text.parse().ok()?))),
        };
        let hides = match (next()?, next()?) {
            ("none", "none") => None,
            (from, to) => Some(TimeRange {
                from: end(from)?,
                to: end(to)?,
            }),
        };
        Some(NotedTrouble {
            file: file.parse().ok()?,
            at: at.parse().ok()?,
            first_only: first_only == "1",
            hides,
            what: next()?.to_owned(),
        })
    }
}

impl BoundFile {
    fn of(corpus: &Corpus, at: usize) -> Option<BoundFile> {
        let (source, index, bounds) = (
            &corpus.sources[at],
            corpus.indexes[at].as_ref(),
            corpus.bounds[at],
        );
        // A part of its content is in another file.
        if source.start() > 0 {
            return None;
        }
        let whole = whole(source, index);
        let bytes = match (whole, source.may_grow()) {
            (Some((bytes, _)), false) => bytes,
            (_, true) => last_line_end(&source.log, source.log.bytes).ok()?,
            (None, false) => source.content_bytes().filter(|_| source.is_seekable())?,
        };
        let (head, tail) = ends(source, bytes);
        Some(BoundFile {
            bytes,
            crc: whole.filter(|whole| whole.0 == bytes).map(|(_, crc)| crc),
            head,
            tail,
            plain: plain(source),
            first: bounds.first,
            last: bounds.last,
        })
    }

    /// Whether a source holds what was read for the table, and nothing after it that belongs before
    /// `reached`.
    fn is_of(&self, corpus: &Corpus, at: usize, reached: Stamp) -> bool {
        let (source, index) = (&corpus.sources[at], corpus.indexes[at].as_ref());
        if source.start() > 0 {
            return false;
        }
        if let (Some((bytes, crc)), Some(known)) = (whole(source, index), self.crc)
            && bytes == self.bytes
        {
            return crc == known;
        }
        let total = match source.content_bytes() {
            Some(total) if source.is_seekable() && total >= self.bytes => total,
            _ => return false,
        };
        let changed_in_place = || match (self.plain, plain(source)) {
            (Some((bytes, modified)), Some((bytes_now, modified_now))) => {
                bytes == bytes_now && modified != modified_now
            }
            _ => false,
        };
        let is_late = |index: &Index| {
            let blocks = index.blocks().unwrap_or_default().iter();
            let later = blocks.filter(|block| block.span.end > self.bytes);
            // The block in which the content ended then holds earlier records too.
            let mut times = later.filter(|block| block.span.start >= self.bytes);
            times.any(|block| {
                block
                    .times
                    .is_some_and(|(first, _)| is_early(first, reached))
            })
        };
        let has_grown = total > self.bytes;
        // Lines that are recovered later may have any time.
        let is_ordered = corpus.bounds[at].ordered && !source.log.name.is_recovered();
        !changed_in_place()
            && !(has_grown && (!is_ordered || index.is_some_and(is_late)))
            && ends(source, self.bytes) == (self.head, self.tail)
    }

    fn decode(text: &str) -> Option<BoundFile> {
        let fields: Vec<&str> = text.split(' ').collect();
        let [bytes, crc, head, tail, file_bytes, modified, first, last] = fields.try_into().ok()?;
        let maybe = |field: &str| -> Option<Option<i64>> {
            match field {
                "-" => Some(None),
                number => Some(Some(number.parse().ok()?)),
            }
        };
        let crc = match maybe(crc)? {
            Some(crc) => Some(u32::try_from(crc).ok()?),
            None => None,
        };
        let file_bytes = match maybe(file_bytes)? {
            Some(bytes) => Some(u64::try_from(bytes).ok()?),
            None => None,
        };
        Some(BoundFile {
            bytes: bytes.parse().ok()?,
            crc,
            head: head.parse().ok()?,
            tail: tail.parse().ok()?,
            plain: file_bytes.zip(maybe(modified)?),
            first: maybe(first)?.map(Stamp),
            last: maybe(last)?.map(Stamp),
        })
    }
}

/// Whether a record of the time `at`, written after records up to `reached`, would change the calls made of
/// those.
pub(super) fn is_early(at: Stamp, reached: Stamp) -> bool {
    at < reached.plus_millis(-DISORDER_MILLIS)
}

/// Length and checksum of the content, if an index covers all of it.
fn whole(source: &Arc<Source>, index: Option<&Index>) -> Option<(u64, u32)> {
    let content = index.filter(|_| !source.may_grow())?.content();
    Some((content.bytes, content.crc))
}

fn plain(source: &Source) -> Option<(u64, i64)> {
    let state = source.log.file.state().ok()?;
    source.may_grow().then_some((state.bytes, state.modified))
}

/// Checksums of both ends of the first `bytes` of content.
fn ends(source: &Source, bytes: u64) -> (u32, u32) {
    let length = usize::try_from(bytes.min(PRINT_BYTES)).unwrap_or_default();
    let crc = |offset| crc32fast::hash(&source.text_at(offset, length));
    (crc(0), crc(bytes - length as u64))
}
