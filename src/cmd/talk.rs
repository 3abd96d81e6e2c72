//! Where answers and words go: stdout with or without colour, stderr, and the sentences that
//! several subcommands say.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;

use anstream::{AutoStream, ColorChoice};

use super::App;
use super::pager::Pager;
use super::root::is_tree;
use crate::cli::ColorWhen;
use calltrace_engine::Searched;
use calltrace_model::sanitise::sanitise;
use calltrace_store::error::{Error, Trouble};

/// Standard output. Text written through [`Out::styled`] loses its colours where they are not
/// wanted; bytes written through [`Out::bytes`] are left alone.
pub(super) struct Out {
    choice: ColorChoice,
    to_terminal: bool,
    file: Option<File>,
    pager: Option<Pager>,
}

impl Out {
    pub(super) fn stdout(when: ColorWhen) -> Out {
        let stdout = io::stdout();
        let choice = match when {
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
            ColorWhen::Auto => AutoStream::choice(&stdout),
        };
        Out {
            choice,
            to_terminal: stdout.is_terminal(),
            // A descriptor of our own: std's stdout flushes every line, which doubles the time of
            // a long answer.
            file: stdout.as_fd().try_clone_to_owned().ok().map(File::from),
            pager: None,
        }
    }

    /// The same through a pager, where what is printed is longer than the screen.
    pub(super) fn paged(mut self, pager: Option<String>) -> Out {
        let pager = pager.zip(self.size());
        self.pager = pager.map(|(wanted, size)| Pager::new(wanted, size));
        self
    }

    /// Writes text with colours.
    pub(super) fn styled(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let text = self.dressed(write)?;
        self.bytes(|out| out.write_all(&text))
    }

    /// Text as [`Out::styled`] writes it.
    pub(super) fn dressed(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        write(&mut AutoStream::new(&mut text, self.choice)).map_err(Error::Output)?;
        Ok(text)
    }

    /// Writes bytes as they are.
    pub(super) fn bytes(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let buffered = |out: &mut dyn Write| {
            let mut buffered = BufWriter::with_capacity(64 << 10, out);
            write(&mut buffered).and_then(|()| buffered.flush())
        };
        let result = match (&mut self.pager, &mut self.file) {
            (Some(pager), _) => buffered(pager),
            (None, Some(file)) => buffered(file),
            (None, None) => buffered(&mut io::stdout().lock()),
        };
        result.map_err(Error::Output)
    }

    /// Whether bytes that are no text may be written; `what` makes them.
    ///
    /// # Errors
    /// Of use, when it is a terminal.
    pub(super) fn takes_binary(&self, what: &str) -> Result<(), Error> {
        match self.to_terminal {
            true => Err(Error::Usage(format!(
                "{what} is no text, and this is a terminal; add > FILE"
            ))),
            false => Ok(()),
        }
    }

    /// Writes values from the log as rows. A terminal gets them sanitised.
    pub(super) fn csv(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        if !self.to_terminal {
            return self.bytes(write);
        }
        let mut rows = Vec::new();
        write(&mut rows).map_err(Error::Output)?;
        self.raw(rows.split(|&b| b == b'\n').filter(|row| !row.is_empty()))
    }

    /// Writes original lines. A terminal gets them sanitised.
    pub(super) fn raw<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]>) -> Result<(), Error> {
        let to_terminal = self.to_terminal;
        self.bytes(|out| {
            for line in lines {
                if to_terminal {
                    out.write_all(sanitise(line).as_bytes())?;
                } else {
                    out.write_all(line)?;
                }
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// Columns that text must fit in: of the terminal, or what COLUMNS says; `None` in a pipe.
    pub(super) fn width(&self) -> Option<usize> {
        let stated = std::env::var("COLUMNS").ok();
        let stated = stated.and_then(|text| text.parse().ok());
        let stated = stated.filter(|columns| *columns > 0);
        stated.or_else(|| self.size().map(|(columns, _)| columns))
    }

    /// Columns and lines of the terminal as it is now; `None` in a pipe.
    pub(super) fn size(&self) -> Option<(usize, usize)> {
        if !self.to_terminal {
            return None;
        }
        terminal_size::terminal_size_of(io::stdout())
            .map(|(columns, lines)| (usize::from(columns.0), usize::from(lines.0)))
    }

    /// Whether lines that were written can be written over.
    pub(super) fn is_screen(&self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        !is_dumb && self.size().is_some()
    }

    /// Whether it is a terminal, and colours are wanted.
    pub(super) fn has_style_on_terminal(&self) -> bool {
        self.to_terminal && self.choice != ColorChoice::Never
    }

    /// Whether nothing stands before the terminal that would show links as signs.
    pub(super) fn passes_links(&self) -> bool {
        self.pager.as_ref().is_none_or(Pager::passes_links)
    }

    /// Another descriptor of the output, where it is a pipe, which may lose its reader.
    pub(super) fn pipe(&self) -> Option<OwnedFd> {
        let kind = self.file.as_ref()?.metadata().ok()?.file_type();
        let is_pipe = kind.is_fifo() || kind.is_socket();
        is_pipe.then(|| io::stdout().as_fd().try_clone_to_owned().ok())?
    }
}

impl Drop for Out {
    /// A pager shows what it has, and is waited for.
    fn drop(&mut self) {
        if let Some(pager) = &mut self.pager {
            // Nobody can be told when that fails.
            let _ = pager.finish();
        }
    }
}

/// What is said of an answer: at once, or, where that may be in a pager, behind it.
#[derive(Default)]
pub(super) struct Notes {
    kept: Option<RefCell<Vec<String>>>,
}

impl Notes {
    /// Those that wait for the end of the run.
    pub(super) fn kept() -> Notes {
        Notes {
            kept: Some(RefCell::default()),
        }
    }

    pub(super) fn say(&self, text: &str) {
        match &self.kept {
            Some(kept) => kept.borrow_mut().push(text.to_owned()),
            None => say(text),
        }
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        let kept = self.kept.take().unwrap_or_default();
        kept.into_inner().iter().for_each(|text| say(text));
    }
}

/// A line on stderr. Nobody can be told when that fails.
pub fn say(text: &str) {
    let line = format!("calltrace: {}\n", sanitise(text.as_bytes()));
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

impl App {
    /// Names what could not be read.
    pub(super) fn say_troubles<'t>(&self, troubles: impl IntoIterator<Item = &'t Trouble>) {
        for trouble in troubles {
            self.say_once(&format!("incomplete: {trouble}"));
        }
    }

    /// Says what holds for many files or enterprises, the first time only.
    pub(super) fn say_once(&self, text: &str) {
        if self.said.borrow_mut().insert(text.to_owned()) {
            self.say(text);
        }
    }

    /// Says that there is more than is shown.
    pub(super) fn say_cut(&self, limit: usize) {
        self.say(&format!(
            "the newest {limit} are shown; --limit 0 shows all, --count counts them"
        ));
    }

    /// `all 15 files searched (2025-11-16 .. 2025-11-30 UTC)`
    pub(super) fn searched_text(&self, searched: &Searched) -> String {
        let root = self.tree.root();
        let files = match (searched.files, searched.files_known) {
            (0, 1) => return "the only file has no record of that time".to_owned(),
            (0, known @ 2..) => return format!("none of {known} files has a record of that time"),
            (0, _) if is_tree(root) => return "there is no log file to search".to_owned(),
            (0, _) => {
                return format!(
                    "there is no log file under {}; --root takes the folder that holds one folder \
                     an enterprise",
                    root.display()
                );
            }
            (files, known) if files < known => format!("{files} of {known} files"),
            (1, _) => "the only file".to_owned(),
            (files, _) => format!("all {files} files"),
        };
        match (searched.from, searched.to) {
            (Some(from), Some(to)) => format!(
                "{files} searched ({} .. {} {})",
                self.clock.date(from),
                self.clock.date(to),
                self.clock.zone(to)
            ),
            _ => format!("{files} searched"),
        }
    }
}

/// `1 file`, `2 files`.
pub(super) fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// What several enterprises' searches looked at, as one.
pub(super) fn sum(all: impl Iterator<Item = Searched>) -> Searched {
    all.fold(Searched::default(), |a, b| Searched {
        files: a.files + b.files,
        files_known: a.files_known + b.files_known,
        from: [a.from, b.from].into_iter().flatten().min(),
        to: a.to.max(b.to),
    })
}
