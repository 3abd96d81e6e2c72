//! A finding: what was seen, with the evidence, why it matters, and what to do.
//!
//! Sentences stand where the checks are, with `{name}` for each piece of evidence. What a piece looks
//! like (a size, a time in a zone, a name that is to be typed) is `output`'s affair; programs get the
//! pieces beside the sentences.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::Code;
use calltrace_model::record::Stamp;
use calltrace_store::fsx::WriterProcess;
use calltrace_store::tree::EnterpriseName;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingSeverity {
    /// Lines are being lost or shown to others, or soon will be.
    Problem,
    /// Worth acting on.
    Warning,
    /// Good to know; nothing need be done.
    Note,
}

impl FindingSeverity {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingSeverity::Problem => "problem",
            FindingSeverity::Warning => "warning",
            FindingSeverity::Note => "note",
        }
    }

    /// Whether somebody should do something.
    pub fn is_actionable(self) -> bool {
        self != FindingSeverity::Note
    }
}

/// Where in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilePosition {
    /// A line, from 1.
    Line(u64),
    /// Of a line whose number was not counted: where it begins in the content.
    Byte(u64),
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A size.
    Bytes(u64),
    /// How many.
    Count(u64),
    /// How many files.
    Files(u64),
    /// A record's time.
    At(Stamp),
    /// A day.
    Day(NaiveDate),
    /// How long (milliseconds).
    Millis(i64),
    /// How many days.
    Days(i64),
    /// Parts in a hundred.
    Percent(u64),
    /// An offset from UTC (minutes).
    Offset(i64),
    /// Permissions.
    Mode(u32),
    /// A user, by number.
    User(u32),
    /// Processes that have a file open.
    Processes(Vec<WriterProcess>),
    /// Text that may come from anywhere.
    Text(String),
    /// A path to be typed.
    Path(PathBuf),
    /// `calltrace COMMAND` as it must be typed to reach this tree, for this enterprise.
    Calltrace(&'static str),
    /// The same as cron or a timer must have it: where they run, another folder is the current one
    /// and the environment another.
    Scheduled(&'static str),
}

/// A sentence with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The words, `{name}` for each field.
    pub text: &'static str,
    /// The fields.
    pub fields: Vec<(&'static str, Field)>,
}

impl Clause {
    fn new(text: &'static str) -> Clause {
        Clause {
            text,
            fields: Vec::new(),
        }
    }

    /// Whether each name in the text has its field and each field its name.
    fn is_whole(&self) -> bool {
        let said: Vec<&str> = self.pieces().filter_map(|(_, name)| name).collect();
        let known = |name: &&str| self.fields.iter().any(|(field, _)| field == name);
        said.iter().all(known) && self.fields.iter().all(|(field, _)| said.contains(field))
    }

    /// The text taken apart: words, and the name of the field that stands behind them.
    pub fn pieces(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        self.text
            .split('}')
            .map(|piece| match piece.split_once('{') {
                Some((words, name)) => (words, Some(name)),
                None => (piece, None),
            })
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let found = self.fields.iter().find(|(field, _)| *field == name);
        found.map(|(_, field)| field)
    }
}

/// Something worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// How bad.
    pub severity: FindingSeverity,
    /// Whose; `None` for what is of the tree as a whole.
    pub enterprise: Option<EnterpriseName>,
    /// The file, in the enterprise's folder; a whole path where there is no enterprise.
    pub file: Option<PathBuf>,
    /// Where in it.
    pub place: Option<FilePosition>,
    /// What was seen.
    pub seen: Vec<Clause>,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub remedy: Clause,
}

impl Finding {
    /// A warning where somebody should act, else a note.
    pub(super) fn warning_if(is_warning: bool, code: Code) -> Finding {
        match is_warning {
            true => Finding::warning(code),
            false => Finding::note(code),
        }
    }

    /// A finding of which nothing is known yet.
    pub(super) fn new(severity: FindingSeverity, code: Code) -> Finding {
        Finding {
            code,
            severity,
            enterprise: None,
            file: None,
            place: None,
            seen: Vec::new(),
            why: "",
            remedy: Clause::new(""),
        }
    }

    /// A problem.
    pub(super) fn problem(code: Code) -> Finding {
        Finding::new(FindingSeverity::Problem, code)
    }

    /// A warning.
    pub(super) fn warning(code: Code) -> Finding {
        Finding::new(FindingSeverity::Warning, code)
    }

    /// A note.
    pub(super) fn note(code: Code) -> Finding {
        Finding::new(FindingSeverity::Note, code)
    }

    pub(super) fn file(self, file: impl Into<PathBuf>) -> Finding {
        let file = Some(file.into());
        Finding { file, ..self }
    }

    pub(super) fn at(self, place: Option<FilePosition>) -> Finding {
        Finding { place, ..self }
    }

    /// One thing more that was seen.
    pub(super) fn seen(mut self, text: &'static str) -> Finding {
        self.seen.push(Clause::new(text));
        self
    }

    /// That there are so many in all, where that is more than one; the text names them `{files}`.
    pub(super) fn of_several(self, text: &'static str, files: usize) -> Finding {
        match files {
            0 | 1 => self,
            files => self.seen(text).with("files", Field::Files(files as u64)),
        }
    }

    pub(super) fn why(self, why: &'static str) -> Finding {
        Finding { why, ..self }
    }

    /// What is to be done, which is said last.
    pub(super) fn remedy(self, text: &'static str) -> Finding {
        let remedy = Clause::new(text);
        Finding { remedy, ..self }
    }

    /// The field of that name in what was said last.
    pub(super) fn with(mut self, name: &'static str, field: Field) -> Finding {
        let clause = match self.remedy.text {
            "" => self.seen.last_mut(),
            _ => Some(&mut self.remedy),
        };
        let clause = clause.expect("a field follows the text that names it");
        clause.fields.push((name, field));
        self
    }

    /// Whether each text has the fields that it names, and no others.
    pub(super) fn is_whole(&self) -> bool {
        let mut said = self.seen.iter().chain([&self.remedy]);
        said.all(Clause::is_whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_taken_apart_at_its_fields() {
        let clause = Clause {
            text: "{n} of {all}, see",
            fields: vec![("n", Field::Count(1)), ("all", Field::Count(2))],
        };
        assert!(clause.is_whole());
        let pieces: Vec<_> = clause.pieces().collect();
        assert_eq!(
            pieces,
            [("", Some("n")), (" of ", Some("all")), (", see", None)]
        );
        assert!(
            !Clause {
                text: "{x}",
                fields: Vec::new()
            }
            .is_whole()
        );
        let spare = vec![("x", Field::Count(1))];
        assert!(
            !Clause {
                text: "",
                fields: spare
            }
            .is_whole()
        );
    }
}
