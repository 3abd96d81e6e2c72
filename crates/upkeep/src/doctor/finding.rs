//! A finding: what was seen, with the evidence, why it matters, and what to do.
//!
//! Each check has its own sentences, with `{name}` for each piece of evidence. `output` decides what a piece looks
//! like (a size, a time in a zone, a name to be typed). Programs get the pieces in addition to the sentences.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::Code;
use calltrace_model::record::Stamp;
use calltrace_store::fsx::WriterProcess;
use calltrace_store::tree::EnterpriseName;

/// How serious a finding is.
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

    /// Whether an administrator should act.
    pub fn is_actionable(self) -> bool {
        self != FindingSeverity::Note
    }
}

/// A position in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilePosition {
    /// A line, from 1.
    Line(u64),
    /// The content offset of a line, if its number was not counted.
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
    /// The same command for cron or a timer, which run in another folder and another environment.
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
    fn has_all_fields(&self) -> bool {
        let placeholders: Vec<&str> = self.pieces().filter_map(|(_, name)| name).collect();
        let known = |name: &&str| self.fields.iter().any(|(field, _)| field == name);
        placeholders.iter().all(known)
            && self
                .fields
                .iter()
                .all(|(field, _)| placeholders.contains(field))
    }

    /// The parts of the text: words, and the name of the field that follows them.
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

/// What was found: a problem, a risk or a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of finding.
    pub code: Code,
    /// How serious it is.
    pub severity: FindingSeverity,
    /// The enterprise; `None` for the tree as a whole.
    pub enterprise: Option<EnterpriseName>,
    /// The file, in the enterprise's folder; a full path if there is no enterprise.
    pub file: Option<PathBuf>,
    /// The position in the file.
    pub place: Option<FilePosition>,
    /// What was seen.
    pub seen: Vec<Clause>,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub remedy: Clause,
}

impl Finding {
    /// A warning if somebody should act, otherwise a note.
    pub(super) fn warning_if(is_warning: bool, code: Code) -> Finding {
        match is_warning {
            true => Finding::warning(code),
            false => Finding::note(code),
        }
    }

    /// A finding without sentences.
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

    /// Adds one more sentence about what was seen.
    pub(super) fn seen(mut self, text: &'static str) -> Finding {
        self.seen.push(Clause::new(text));
        self
    }

    /// Adds how many files there are in all, if there are several; the text has `{files}` for the number.
    pub(super) fn of_several(self, text: &'static str, files: usize) -> Finding {
        match files {
            0 | 1 => self,
            files => self.seen(text).with("files", Field::Files(files as u64)),
        }
    }

    pub(super) fn why(self, why: &'static str) -> Finding {
        Finding { why, ..self }
    }

    /// Sets what to do; called after all sentences about what was seen.
    pub(super) fn remedy(self, text: &'static str) -> Finding {
        let remedy = Clause::new(text);
        Finding { remedy, ..self }
    }

    /// Adds the field `name` to the last sentence.
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
    pub(super) fn has_all_fields(&self) -> bool {
        let mut clauses = self.seen.iter().chain([&self.remedy]);
        clauses.all(Clause::has_all_fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_split_at_its_fields() {
        let clause = Clause {
            text: "{n} of {all}, see",
            fields: vec![("n", Field::Count(1)), ("all", Field::Count(2))],
        };
        assert!(clause.has_all_fields());
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
            .has_all_fields()
        );
        let spare = vec![("x", Field::Count(1))];
        assert!(
            !Clause {
                text: "",
                fields: spare
            }
            .has_all_fields()
        );
    }
}
