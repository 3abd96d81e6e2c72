//! Reports, after the answer, the files that could not be read: damage that may hide a part of the answer makes it
//! incomplete; other damage is only mentioned in one line.

use super::App;
use calltrace_store::error::{Error, Trouble};

/// The files that could not be read, in all enterprises of a question.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Enterprises that could not be asked at all, as sentences.
    unreadable: Vec<String>,
    troubles: Vec<Trouble>,
}

impl Missing {
    /// The answer of one enterprise; `None` if its folder can't be read, which is noted. The other enterprises are
    /// still asked.
    pub(super) fn answer<A>(&mut self, answer: Result<A, Error>) -> Option<A> {
        let note = |error: &Error| {
            let text = error.to_string();
            if !self.unreadable.contains(&text) {
                self.unreadable.push(text);
            }
        };
        answer.inspect_err(note).ok()
    }

    /// Adds the troubles of an answer, each once, and returns the new ones.
    pub(super) fn add<'t>(&mut self, troubles: &'t [Trouble]) -> Vec<&'t Trouble> {
        let is_new = |trouble: &&Trouble| {
            // If there were too many files to open, only one of them is named.
            let same = |known: &&mut Trouble| {
                known.out_of_descriptors && trouble.out_of_descriptors
                    || (&known.path, known.at, &known.what)
                        == (&trouble.path, trouble.at, &trouble.what)
            };
            match self.troubles.iter_mut().find(same) {
                Some(known) => {
                    known.matters |= trouble.matters;
                    false
                }
                None => {
                    self.troubles.push((*trouble).clone());
                    true
                }
            }
        };
        troubles.iter().filter(is_new).collect()
    }

    /// Adds the troubles of another question.
    pub(super) fn join(&mut self, other: Missing) {
        let known = &self.unreadable;
        let fresh = other.unreadable.into_iter();
        let fresh: Vec<String> = fresh.filter(|text| !known.contains(text)).collect();
        self.unreadable.extend(fresh);
        self.add(&other.troubles);
    }

    /// Whether the answer may miss something.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.unreadable.is_empty() || Trouble::any_matters(&self.troubles)
    }

    /// The records that may be missing, one sentence for each trouble.
    pub(super) fn texts(&self) -> Vec<String> {
        let troubles = self.troubles.iter().filter(|trouble| trouble.matters);
        let troubles = troubles.map(ToString::to_string);
        self.unreadable.iter().cloned().chain(troubles).collect()
    }

    /// The messages: one line for what may be missing and one for other damage, or, with `lists_all`, a line for
    /// each trouble.
    fn lines(&self, lists_all: bool) -> Vec<String> {
        let (missing, other): (Vec<&Trouble>, Vec<&Trouble>) =
            self.troubles.iter().partition(|trouble| trouble.matters);
        let missing = missing.into_iter().map(ToString::to_string);
        let missing = missing.filter(|text| !self.unreadable.contains(text));
        let missing: Vec<String> = self.unreadable.iter().cloned().chain(missing).collect();
        let other: Vec<String> = other.into_iter().map(ToString::to_string).collect();
        let mut lines = Vec::new();
        for (what, texts) in [("incomplete", missing), ("nothing missing here", other)] {
            match texts.as_slice() {
                [] => {}
                [first, more @ ..] if !lists_all && !more.is_empty() => lines.push(format!(
                    "{what}: {first}, and {} more; -v names each",
                    more.len()
                )),
                all => lines.extend(all.iter().map(|text| format!("{what}: {text}"))),
            }
        }
        lines
    }
}

impl App {
    /// Prints which files could not be read: at most two lines after an answer that `found` something, otherwise and
    /// with `--verbose` a line for each trouble.
    pub(super) fn say_missing(&self, missing: &Missing, found: bool) {
        for line in missing.lines(!found || self.global.verbose) {
            self.say(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn trouble(path: &str, matters: bool) -> Trouble {
        Trouble {
            matters,
            ..Trouble::new(Path::new(path), "is a truncated gzip")
        }
    }

    #[test]
    fn an_answer_has_one_line_about_missing_records_and_one_about_other_damage() {
        let mut missing = Missing::default();
        missing.add(&[trouble("a", true), trouble("b", false), trouble("c", false)]);
        assert!(missing.is_incomplete());
        let reported = missing.lines(false);
        assert_eq!(
            reported,
            [
                "incomplete: a is a truncated gzip",
                "nothing missing here: b is a truncated gzip, and 1 more; -v names each",
            ]
        );
        assert_eq!(missing.lines(true).len(), 3);
    }

    #[test]
    fn damage_that_affects_one_of_two_questions_is_reported_once() {
        let mut missing = Missing::default();
        assert_eq!(missing.add(&[trouble("a", false)]).len(), 1);
        assert!(!missing.is_incomplete());
        assert!(missing.add(&[trouble("a", true)]).is_empty());
        assert!(missing.is_incomplete());
        assert_eq!(missing.lines(false), ["incomplete: a is a truncated gzip"]);
    }

    #[test]
    fn an_enterprise_that_cannot_be_asked_makes_the_answer_incomplete() {
        let mut missing = Missing::default();
        let error = Error::Usage("0101 can't be listed".to_owned());
        assert!(missing.answer(Err::<(), _>(error)).is_none());
        assert!(missing.is_incomplete());
        assert_eq!(missing.lines(false), ["incomplete: 0101 can't be listed"]);
    }
}
