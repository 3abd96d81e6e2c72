//! The question before a first rotation that would remove files. It is asked only on a terminal, so that cron and
//! timers never wait for an answer.

use std::io::{self, IsTerminal, Write, stderr, stdin};

use super::origin::ValueOrigin;
use super::{App, say};
use crate::cli::RotateArgs;
use crate::settings::SETTINGS;
use calltrace_output::rotation::size;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::rotate::{FirstExpiry, Rotation};

/// Maximum number of enterprises that the question names; for more it shows their number.
const NAMED_MAX: usize = 3;

/// Whether the run may go on: a first rotation would remove nothing, there is no terminal, or the answer is yes.
pub(super) fn is_given(
    app: &App,
    args: &RotateArgs,
    enterprises: &[EnterpriseName],
    rotation: &Rotation<'_>,
) -> Result<bool, Error> {
    if args.yes || !(stdin().is_terminal() && stderr().is_terminal()) {
        return Ok(true);
    }
    let first = |name| Some((name, rotation.first_expiry(name)?));
    let first: Vec<(&EnterpriseName, FirstExpiry)> = enterprises.iter().filter_map(first).collect();
    let all = first.iter().map(|(_, files)| *files);
    let Some(all) = all.reduce(FirstExpiry::and) else {
        return Ok(true);
    };
    let keep_days = args.policy(&app.settings.rotate).keep_days;
    say(&format!(
        "this is the first rotation of {}; it removes {}",
        names(&first),
        removed(&all, keep_days)
    ));
    say(&format!(
        "{} sets the limit: --keep {}d removes less, --dry-run names each file",
        limit(app, args),
        keep_days.saturating_mul(4).max(60)
    ));
    let is_yes = ask("Remove them and go on? [y/N] ").map_err(Error::Output)?;
    if !is_yes {
        say("nothing was removed and nothing was rotated");
    }
    Ok(is_yes)
}

fn names(first: &[(&EnterpriseName, FirstExpiry)]) -> String {
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    match names.len() {
        0..=NAMED_MAX => names.join(", "),
        more => format!("{more} enterprises"),
    }
}

fn removed(all: &FirstExpiry, keep_days: u32) -> String {
    let (files, last) = match all.files {
        1 => ("1 file".to_owned(), "its last record is"),
        files => (format!("{files} files"), "the oldest of them"),
    };
    let days = match keep_days {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let (bytes, oldest) = (size(all.bytes), all.oldest);
    format!("{files} ({bytes}) older than {days}, {last} of {oldest}")
}

/// The option or setting of the number of days to keep, and where it is set.
fn limit(app: &App, args: &RotateArgs) -> String {
    if args.keep.is_some() {
        return "--keep".to_owned();
    }
    let setting = SETTINGS.iter().find(|one| one.name == "rotate.keep");
    let setting = setting.expect("it is a setting");
    format!(
        "{} ({})",
        setting.name,
        ValueOrigin::of(setting, &app.settings)
    )
}

/// Asks a question; any answer except yes means no, and so does the end of the input.
fn ask(question: &str) -> io::Result<bool> {
    let mut stderr = stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
