//! The pager for answers that are longer than the screen.

use std::env;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// Maximum output that is kept until the end, when it is known whether a pager is needed (bytes). Longer output goes
/// to the pager as it is written.
const KEPT_MAX: usize = 1 << 20;

/// The exit code of a shell that does not find a program.
const NOT_FOUND: i32 = 127;

/// The default pager: it keeps colours, ends by itself if one screen is enough, and leaves the text on the screen.
const USUAL: &str = "less -FRX";

/// The pager that a user wants: `CALLTRACE_PAGER`, otherwise `PAGER`, otherwise `less`; `None` for none (empty or
/// `cat`).
pub(super) fn wanted() -> Option<String> {
    let set = |name| env::var(name).ok();
    let wanted = set("CALLTRACE_PAGER").or_else(|| set("PAGER"));
    let wanted = wanted.unwrap_or_else(|| USUAL.to_owned());
    let wanted = wanted.trim();
    (!wanted.is_empty() && wanted != "cat").then(|| wanted.to_owned())
}

/// The output until it is known to need a pager, and then the pager.
pub(super) struct Pager {
    wanted: String,
    /// Columns and lines of the terminal.
    size: (usize, usize),
    kept: Vec<u8>,
    state: PagerState,
}

enum PagerState {
    /// The output is kept, and nothing is shown yet.
    Keeps,
    Runs(Child),
    /// No pager is needed, or it was not found.
    Plain,
}

impl Pager {
    /// A pager for a terminal with `size` columns and lines.
    pub(super) fn new(wanted: String, size: (usize, usize)) -> Pager {
        Pager {
            wanted,
            size,
            kept: Vec::new(),
            state: PagerState::Keeps,
        }
    }

    /// Whether the pager is a `less` that supports OSC 8; older versions show links as text.
    pub(super) fn passes_links(&self) -> bool {
        let command = command(&self.wanted);
        let program = command.get_program();
        if !program.to_str().is_some_and(is_less) {
            return false;
        }
        let output = Command::new(program).arg("--version").output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        version_of_less(&output).is_some_and(|version| version >= LESS_WITH_LINKS)
    }

    /// Shows the rest of the output, and waits until the user leaves the pager. Leaving it early is not an error.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if matches!(self.state, PagerState::Keeps) {
            let shown = match self.fits() {
                true => self.plain(),
                false => self.start(),
            };
            shown.or_else(no_reader)?;
        }
        let PagerState::Runs(child) = &mut self.state else {
            return Ok(());
        };
        // Closing the pipe ends the pager's input.
        drop(child.stdin.take());
        let ended = child.wait()?;
        self.state = PagerState::Plain;
        match ended.code() {
            Some(NOT_FOUND) => self.plain(),
            _ => Ok(()),
        }
    }

    /// Whether the output surely fits on the screen: a line has at least as many bytes as columns.
    fn fits(&self) -> bool {
        let (columns, lines) = self.size;
        let mut all = self.kept.split(|&byte| byte == b'\n');
        let count = self.kept.iter().filter(|&&byte| byte == b'\n').count();
        count < lines && all.all(|line| line.len() <= columns)
    }

    fn plain(&mut self) -> io::Result<()> {
        self.state = PagerState::Plain;
        let kept = std::mem::take(&mut self.kept);
        let mut out = io::stdout().lock();
        out.write_all(&kept).and_then(|()| out.flush())
    }

    /// Starts the pager and hands over the kept output.
    fn start(&mut self) -> io::Result<()> {
        // Ctrl-C is for the pager, so it must not end this process, which writes to the pager.
        flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
        let started = command(&self.wanted).stdin(Stdio::piped()).spawn();
        let Ok(mut child) = started else {
            return self.plain();
        };
        let written = match &mut child.stdin {
            Some(stdin) => stdin.write_all(&self.kept),
            None => Ok(()),
        };
        self.state = PagerState::Runs(child);
        written
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            PagerState::Keeps => {
                self.kept.extend_from_slice(bytes);
                if self.kept.len() > KEPT_MAX {
                    self.start()?;
                    self.kept = Vec::new();
                }
                Ok(bytes.len())
            }
            PagerState::Runs(child) => match &mut child.stdin {
                Some(stdin) => stdin.write(bytes),
                None => Err(ErrorKind::BrokenPipe.into()),
            },
            PagerState::Plain => io::stdout().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.state {
            PagerState::Plain => io::stdout().flush(),
            _ => Ok(()),
        }
    }
}

/// The first release of `less` that supports OSC 8.
const LESS_WITH_LINKS: u32 = 581;

/// The version in the output of `less --version`: 590 in `less 590 (GNU regular expressions)`.
fn version_of_less(output: &[u8]) -> Option<u32> {
    let output = String::from_utf8_lossy(output);
    let version = output
        .strip_prefix("less ")?
        .split([' ', '.', '\n'])
        .next()?;
    version.parse().ok()
}

fn no_reader(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

/// The command of a program with arguments; a text with shell syntax is run by the shell.
fn command(wanted: &str) -> Command {
    let is_plain = |c: char| c.is_alphanumeric() || " \t-_./+,:@".contains(c);
    if !wanted.chars().all(is_plain) {
        let mut shell = Command::new("sh");
        shell.args(["-c", wanted]);
        return shell;
    }
    let mut words = wanted.split_whitespace();
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(program);
    command.args(words);
    if is_less(program) {
        // Without -R `less` shows colours as text, and without its charset it shows names as numbers.
        if command.get_args().next().is_none() {
            command.args(USUAL.split(' ').skip(1));
        }
        if env::var_os("LESSCHARSET").is_none() {
            command.env("LESSCHARSET", "utf-8");
        }
    }
    command
}

fn is_less(program: &str) -> bool {
    Path::new(program).file_name() == Some(OsStr::new("less"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(wanted: &str) -> Vec<String> {
        let command = command(wanted);
        let words = [command.get_program()]
            .into_iter()
            .chain(command.get_args());
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn only_less_gets_colours_by_default_and_options_of_other_pagers_decide() {
        assert_eq!(words("less"), ["less", "-FRX"]);
        assert_eq!(words("/usr/bin/less -S"), ["/usr/bin/less", "-S"]);
        assert_eq!(words("more"), ["more"]);
        let line = "LESS=R less | tee 'a b'";
        assert_eq!(words(line), ["sh", "-c", line]);
    }

    #[test]
    fn less_says_whether_it_knows_links() {
        let version = |text: &str| version_of_less(text.as_bytes());
        assert_eq!(
            version("less 590 (GNU regular expressions)\nCopyright"),
            Some(590)
        );
        assert_eq!(version("less 581.2 (POSIX regular expressions)"), Some(581));
        assert_eq!(version("BusyBox v1.35"), None);
    }

    #[test]
    fn only_output_that_surely_fits_the_screen_needs_no_pager() {
        for (text, fits) in [
            ("", true),
            ("12345\n12345\n", true),
            ("123456\n", false),
            ("1\n2\n3\n", false),
        ] {
            let mut pager = Pager::new(USUAL.to_owned(), (5, 3));
            pager.write_all(text.as_bytes()).expect("into memory");
            assert_eq!(pager.fits(), fits, "{text:?}");
        }
    }
}
