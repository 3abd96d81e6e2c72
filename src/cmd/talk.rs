//! Output: answers on stdout with or without colour, messages on stderr, and the messages that several subcommands
//! share.

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

/// Standard output. [`Out::styled`] removes colours if they are not wanted; [`Out::bytes`] writes bytes unchanged.
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
            // The program uses its own descriptor, because std's stdout flushes every line, which doubles the time
            // of a long answer.
            file: stdout.as_fd().try_clone_to_owned().ok().map(File::from),
            pager: None,
        }
    }

    /// Sends the output through a pager if it is longer than the screen.
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

    /// The text that [`Out::styled`] would write.
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

    /// Refuses to write binary data to a terminal; `what` names the option that makes the data.
    ///
    /// # Errors
    /// A usage error if stdout is a terminal.
    pub(super) fn takes_binary(&self, what: &str) -> Result<(), Error> {
        match self.to_terminal {
            true => Err(Error::Usage(format!(
                "{what} is not text and stdout is a terminal; add > FILE"
            ))),
            false => Ok(()),
        }
    }

    /// Writes rows with values from the log; sanitises them for a terminal.
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

    /// Writes original lines; sanitises them for a terminal.
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

    /// The maximum columns of a line: COLUMNS, otherwise the width of the terminal; `None` in a pipe.
    pub(super) fn width(&self) -> Option<usize> {
        let stated = std::env::var("COLUMNS").ok();
        let stated = stated.and_then(|text| text.parse().ok());
        let stated = stated.filter(|columns| *columns > 0);
        stated.or_else(|| self.size().map(|(columns, _)| columns))
    }

    /// The current columns and lines of the terminal; `None` in a pipe.
    pub(super) fn size(&self) -> Option<(usize, usize)> {
        if !self.to_terminal {
            return None;
        }
        terminal_size::terminal_size_of(io::stdout())
            .map(|(columns, lines)| (usize::from(columns.0), usize::from(lines.0)))
    }

    /// Whether written lines can be overwritten.
    pub(super) fn is_screen(&self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        !is_dumb && self.size().is_some()
    }

    /// Whether stdout is a terminal and colours are wanted.
    pub(super) fn has_style_on_terminal(&self) -> bool {
        self.to_terminal && self.choice != ColorChoice::Never
    }

    /// Whether links reach the terminal: there is no pager, or the pager understands them.
    pub(super) fn passes_links(&self) -> bool {
        self.pager.as_ref().is_none_or(Pager::passes_links)
    }

    /// A second descriptor of the output if it is a pipe, to notice when the reader closes it.
    pub(super) fn pipe(&self) -> Option<OwnedFd> {
        let kind = self.file.as_ref()?.metadata().ok()?.file_type();
        let is_pipe = kind.is_fifo() || kind.is_socket();
        is_pipe.then(|| io::stdout().as_fd().try_clone_to_owned().ok())?
    }
}

impl Drop for Out {
    /// Shows what is left in the pager, and waits until the user leaves it.
    fn drop(&mut self) {
        if let Some(pager) = &mut self.pager {
            // `drop` has no way to report an error.
            let _ = pager.finish();
        }
    }
}

/// Messages about an answer: printed at once, or after the pager has ended.
#[derive(Default)]
pub(super) struct Notes {
    kept: Option<RefCell<Vec<String>>>,
}

impl Notes {
    /// Messages that wait for the end of the run.
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

/// Prints a line on stderr; an error of stderr is ignored.
pub fn say(text: &str) {
    let line = format!("calltrace: {}\n", sanitise(text.as_bytes()));
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

impl App {
    /// Prints what could not be read.
    pub(super) fn say_troubles<'t>(&self, troubles: impl IntoIterator<Item = &'t Trouble>) {
        for trouble in troubles {
            self.say_once(&format!("incomplete: {trouble}"));
        }
    }

    /// Prints a message only the first time.
    pub(super) fn say_once(&self, text: &str) {
        if self.printed_once.borrow_mut().insert(text.to_owned()) {
            self.say(text);
        }
    }

    /// Says that more was found than is shown.
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
                     per enterprise",
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

/// The searched files of several enterprises together.
pub(super) fn sum(all: impl Iterator<Item = Searched>) -> Searched {
    all.fold(Searched::default(), |a, b| Searched {
        files: a.files + b.files,
        files_known: a.files_known + b.files_known,
        from: [a.from, b.from].into_iter().flatten().min(),
        to: a.to.max(b.to),
    })
}
