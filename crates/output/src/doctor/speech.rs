//! Evidence in words: sizes, times in a zone, names that are safe to show and to type.

use std::path::Path;

use super::{CommandOptions, DoctorView};
use crate::number::grouped;
use crate::rotation::size;
use crate::words;
use calltrace_model::record::Stamp;
use calltrace_model::sanitise::sanitise;
use calltrace_store::fsx::list_writers;
use calltrace_upkeep::doctor::{Clause, Field, FilePosition, Finding};

/// Whether a name is read, or typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Read,
    Typed,
}

/// Evidence in words.
pub(super) struct Speech<'s> {
    pub(super) shown: &'s DoctorView<'s>,
    /// Commands are for this one; for all of them when there is none.
    pub(super) enterprise: Option<&'s str>,
}

impl Speech<'_> {
    /// `events.log:17`, or the enterprise.
    pub(super) fn subject(&self, finding: &Finding, of: Option<&str>) -> String {
        let file = finding
            .file
            .as_deref()
            .map(|file| safe(&file.to_string_lossy()));
        let place = match finding.place {
            Some(FilePosition::Line(line)) => format!(":{line}"),
            Some(FilePosition::Byte(byte)) => format!(", byte {byte}"),
            None => String::new(),
        };
        let subject = file.unwrap_or_default() + &place;
        match of {
            Some(name) => format!("such as {name}/{subject}"),
            None => subject,
        }
    }

    pub(super) fn seen(&self, finding: &Finding) -> String {
        let clauses = finding.seen.iter();
        let clauses: Vec<String> = clauses
            .map(|clause| self.clause(clause, Tone::Read))
            .collect();
        clauses.join("; ")
    }

    pub(super) fn clause(&self, clause: &Clause, tone: Tone) -> String {
        let mut text = String::new();
        for (words, name) in clause.pieces() {
            text += words;
            if let Some(field) = name.and_then(|name| clause.field(name)) {
                text += &self.field(field, tone);
            }
        }
        text
    }

    fn field(&self, field: &Field, tone: Tone) -> String {
        match field {
            Field::Bytes(bytes) => size(*bytes),
            Field::Count(count) => grouped(*count, ','),
            Field::Files(1) => "1 file".to_owned(),
            Field::Files(files) => format!("{} files", grouped(*files, ',')),
            Field::At(at) => self.time(*at),
            Field::Day(day) => day.to_string(),
            Field::Millis(millis) => words::duration(*millis),
            Field::Days(1) => "1 day".to_owned(),
            Field::Days(days) => format!("{days} days"),
            Field::Percent(percent) => format!("{percent}%"),
            Field::Offset(minutes) => offset(*minutes),
            Field::Mode(mode) => format!("{mode:04o}"),
            Field::User(user) => user.to_string(),
            Field::Processes(processes) => safe(&list_writers(processes)),
            Field::Text(text) => safe(text),
            Field::Path(path) => match tone {
                Tone::Read => safe(&path.to_string_lossy()),
                Tone::Typed => quoted(path),
            },
            Field::Calltrace(command) => self.command(command, &self.shown.here),
            Field::Scheduled(command) => self.command(command, &self.shown.scheduled),
        }
    }

    fn time(&self, at: Stamp) -> String {
        let clock = self.shown.clock;
        format!("{} {}", clock.date_time(at), clock.offset(at))
    }

    /// A command that reaches this tree and this enterprise.
    fn command(&self, command: &str, reach: &CommandOptions) -> String {
        let mut text = format!("calltrace {command}");
        if let Some(root) = &reach.root {
            text += &format!(" --root {}", quoted(root));
        }
        if let Some(config) = &reach.config {
            text += &format!(" --config {}", quoted(config));
        }
        if let Some(enterprise) = self.enterprise {
            text += &format!(" {enterprise}");
        }
        format!("`{text}`")
    }
}

pub(super) fn offset(minutes: i64) -> String {
    if minutes == 0 {
        return "UTC".to_owned();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn safe(text: &str) -> String {
    sanitise(text.as_bytes()).into_owned()
}

/// A path as a shell takes it, and no command for an option.
fn quoted(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    if bytes.first() == Some(&b'-') {
        return quoted(&Path::new(".").join(path));
    }
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(b);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let text = sanitise(bytes);
    if text.as_bytes() == bytes {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    // Bash and zsh know this form; what would act on a terminal is spelled out.
    let mut typed = "$'".to_owned();
    for &b in bytes {
        match b {
            b'\'' | b'\\' => typed.extend(['\\', char::from(b)]),
            b' '..=b'~' => typed.push(char::from(b)),
            _ => typed += &format!("\\x{b:02x}"),
        }
    }
    typed + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell_and_act_on_no_terminal() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        for (bytes, typed) in [
            (&b"/srv/call_tracer/0367"[..], "/srv/call_tracer/0367"),
            (b"/srv/call tracer", "'/srv/call tracer'"),
            (b"it's", r"'it'\''s'"),
            (
                "\u{442}\u{435}\u{441}\u{442}".as_bytes(),
                "'\u{442}\u{435}\u{441}\u{442}'",
            ),
            (b"a\x1b[2J'$(reboot)", r"$'a\x1b[2J\'$(reboot)'"),
            (b"\xff", r"$'\xff'"),
            (b"", "''"),
            (b"-tree/0101", "./-tree/0101"),
            (b"-my tree", "'./-my tree'"),
        ] {
            assert_eq!(quoted(Path::new(OsStr::from_bytes(bytes))), typed);
        }
    }
}
