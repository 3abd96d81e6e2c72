//! Packs an archive under a temporary name, decodes it again, compares and syncs it.
//!
//! The decoding also makes the index. If the index can't be written, the archive is still made: the index only affects
//! speed.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::time::SystemTime;

use super::RotationEvent;
use super::context::{OpenLog, RotationContext};
use super::report::RotationReport;
use super::step::StepReport;
use crate::own::{draft, temporary_of};
use crate::survey::names;
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, DraftFile};
use calltrace_store::index::{self, BuildSummary};
use calltrace_store::source::{ContentDigest, Packer};
use calltrace_store::tree::FileName;

/// A packed archive that still has its temporary name.
pub(super) struct PackedArchive<'d> {
    name: FileName,
    draft: DraftFile<'d>,
    index: Result<DraftFile<'d>, Error>,
    sizes: Sizes,
}

/// One part of a new archive.
pub(super) struct PackedPart<'p> {
    /// The file that it comes from.
    pub(super) path: &'p Path,
    pub(super) content: Box<dyn Read + Send + 'p>,
}

impl<'p> PackedPart<'p> {
    /// The content of a file from its beginning up to `end`.
    pub(super) fn of(opened: &'p OpenLog, end: u64) -> PackedPart<'p> {
        PackedPart {
            path: &opened.log().path,
            content: Box::new(opened.source.content().take(end)),
        }
    }
}

impl RotationContext<'_> {
    /// Packs `parts` into the archive `name`, with the owner and permissions of `like` and the modification time
    /// `modified`.
    pub(super) fn pack(
        &self,
        name: &FileName,
        like: Access,
        modified: SystemTime,
        parts: Vec<PackedPart<'_>>,
    ) -> Result<PackedArchive<'_>, Error> {
        let _pass = self.semaphore.acquire();
        let temporary = names::temporary(name);
        let fail = |error| Error::io(&self.path(name), "write the archive", error);
        let draft = draft(self.ops, &self.folder, temporary.clone(), like);
        let draft = draft.map_err(fail)?;
        let packing = self.pool.install(|| self.write_parts(name, &draft, parts));
        let (packed, last_part) = packing?;
        self.ops
            .set_modified(draft.file(), modified)
            .map_err(fail)?;
        let file = draft.file().try_clone().map_err(fail)?;
        let again = self.opened(name, &temporary, file).map_err(fail)?;
        let (index, built) = self.write_index(&again, name, like)?;
        if built.content != packed {
            let differs = format!(
                "it decodes to {} lines of {} bytes, not {} of {}",
                built.content.lines, built.content.bytes, packed.lines, packed.bytes
            );
            return Err(fail(io::Error::new(ErrorKind::InvalidData, differs)));
        }
        draft.sync().map_err(fail)?;
        Ok(PackedArchive {
            name: name.clone(),
            draft,
            index,
            sizes: Sizes {
                archive_bytes: again.log().bytes,
                lines: packed.lines,
                index_bytes: Some(built.index_bytes),
                last_part,
            },
        })
    }

    fn write_parts(
        &self,
        name: &FileName,
        draft: &DraftFile<'_>,
        parts: Vec<PackedPart<'_>>,
    ) -> Result<(ContentDigest, ContentDigest), Error> {
        let fail = |error| Error::io(&self.path(name), "write the archive", error);
        let mut packer = Packer::new(draft.writer());
        let mut last_part = ContentDigest::default();
        for part in parts {
            let mut input = Input {
                content: part.content,
                watch: self.watch,
                is_broken: false,
            };
            let done = packer.part(&mut input);
            last_part = done.map_err(|error| match input.is_broken {
                true => Error::io(part.path, "read it", error),
                false => fail(error),
            })?;
        }
        let (_, content) = packer.finish().map_err(fail)?;
        Ok((content, last_part))
    }

    /// Decodes all of a file and makes the index for the name `name`. The inner error is of writing the index, the
    /// outer one of reading the file.
    fn write_index(
        &self,
        opened: &OpenLog,
        name: &FileName,
        like: Access,
    ) -> Result<(Result<DraftFile<'_>, Error>, BuildSummary), Error> {
        let index = index::file_name(name);
        let fail = |error| Error::io(&self.own_path(&index), "write the index", error);
        let draft = self.own_folder().and_then(|own| {
            let temporary = temporary_of(&index);
            draft(self.ops, &own, temporary, like)
        });
        let draft = draft.map_err(fail);
        let mut out = Output {
            out: draft.as_ref().ok().map(DraftFile::writer),
            failed: None,
        };
        let built = self
            .pool
            .install(|| index::build(&opened.source, self.zone, &mut out))
            .map_err(|error| Error::io(&opened.log().path, "read it", error))?;
        let failed = out.finish();
        let draft = draft.and_then(|draft| {
            failed.and_then(|()| draft.sync()).map_err(fail)?;
            Ok(draft)
        });
        Ok((draft, built))
    }

    /// Makes the index of a file that is not changed.
    pub(super) fn index(&self, name: &FileName) -> Result<BuildSummary, Error> {
        let _pass = self.semaphore.acquire();
        let path = self.path(name);
        let opened = self
            .open(name)
            .map_err(|error| Error::io(&path, "read it", error))?;
        let (draft, built) = self.write_index(&opened, name, Access::of(&opened.metadata))?;
        self.put_index(name, draft)?;
        Ok(built)
    }

    fn put_index(&self, name: &FileName, draft: Result<DraftFile<'_>, Error>) -> Result<(), Error> {
        let index = index::file_name(name);
        draft?
            .replace(&index)
            .map_err(|error| Error::io(&self.own_path(&index), "write the index", error))
    }
}

impl<'d> PackedArchive<'d> {
    /// Gives the archive its name, which must be free, and puts its index in place.
    pub(super) fn publish(
        self,
        context: &RotationContext<'_>,
        report: &mut RotationReport,
    ) -> Result<Sizes, Error> {
        self.put(context, report, DraftFile::rename)
    }

    /// Replaces the old archive, of which it holds the content.
    pub(super) fn publish_over(
        self,
        context: &RotationContext<'_>,
        report: &mut RotationReport,
    ) -> Result<Sizes, Error> {
        self.put(context, report, DraftFile::replace)
    }

    fn put(
        self,
        context: &RotationContext<'_>,
        report: &mut RotationReport,
        rename: impl FnOnce(DraftFile<'d>, &str) -> io::Result<()>,
    ) -> Result<Sizes, Error> {
        let path = context.path(&self.name);
        rename(self.draft, &self.name.full())
            .map_err(|error| Error::io(&path, "put it in place", error))?;
        let put = context.put_index(&self.name, self.index);
        let is_indexed = report.note(&path, put).is_some();
        let index_bytes = self.sizes.index_bytes.filter(|_| is_indexed);
        Ok(Sizes {
            index_bytes,
            ..self.sizes
        })
    }
}

/// Sizes of an archive that is in place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) archive_bytes: u64,
    pub(super) lines: u64,
    /// `None` if the index could not be put in place.
    pub(super) index_bytes: Option<u64>,
    /// The content of the last part.
    pub(super) last_part: ContentDigest,
}

impl StepReport {
    /// Notes the size of the archive that the step made.
    pub(super) fn note(&mut self, sizes: Sizes) {
        self.archive_bytes = Some(sizes.archive_bytes);
        self.lines = Some(sizes.lines);
        self.index_bytes = sizes.index_bytes;
    }
}

/// Reads the content of a part and reports the progress.
struct Input<'i> {
    content: Box<dyn Read + Send + 'i>,
    watch: &'i super::RotationWatcher<'i>,
    is_broken: bool,
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.content.read(into);
        match &got {
            Ok(got) => (self.watch)(RotationEvent::Read(*got as u64)),
            Err(_) => self.is_broken = true,
        }
        got
    }
}

/// Writes an index and keeps a write error to the end: the decoding must go on.
struct Output<W: Write> {
    out: Option<BufWriter<W>>,
    failed: Option<io::Error>,
}

impl<W: Write> Output<W> {
    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.failed.map_or(Ok(()), Err)
    }

    fn keep(&mut self, done: io::Result<()>) {
        if let Err(error) = done {
            self.failed = Some(error);
            // The buffered bytes must not be written when it is dropped.
            self.out.take().map(BufWriter::into_parts);
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(out) = &mut self.out {
            let done = out.write_all(bytes);
            self.keep(done);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(out) = &mut self.out {
            let done = out.flush();
            self.keep(done);
        }
        Ok(())
    }
}
