//! A row of the table of settings, and the ways in which rows read a value.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use calltrace_directory::Secret;
use toml::Value;

use super::Settings;

/// One setting of a file.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its tables and its key, with dots between them: `rotate.keep`. What is in capitals is a name
    /// that the user chooses: `enterprises.NUMBER.name`.
    pub name: &'static str,
    /// What it is when nobody sets it.
    pub usual: Usual,
    /// The flag of every subcommand that goes before the variable.
    pub flag: Option<&'static str>,
    /// The variable of the environment that goes before all files.
    pub variable: Option<&'static str>,
    /// What is shown of its value.
    pub shown: Shown,
    /// What it says, in a few words; the unit and the range where there are some.
    pub about: &'static str,
    /// Reads a value and sets it, under these names (those that the user chooses are right already).
    pub(super) set: Set,
}

pub(super) type Set = fn(&mut Settings, &[&str], &Value) -> Result<(), Problem>;

/// What holds while a setting is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// This value, as TOML.
    Is(&'static str),
    /// No value of its own; what happens then, in words.
    Not(&'static str),
}

/// What of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// An address, without the password it may hold.
    Address,
    /// Nothing.
    Hidden,
}

impl Setting {
    pub(super) const fn new(
        name: &'static str,
        usual: Usual,
        about: &'static str,
        set: Set,
    ) -> Setting {
        Setting {
            name,
            usual,
            flag: None,
            variable: None,
            shown: Shown::Whole,
            about,
            set,
        }
    }

    pub(super) const fn over(mut self, variable: &'static str) -> Setting {
        self.variable = Some(variable);
        self
    }

    pub(super) const fn typed(mut self, flag: &'static str) -> Setting {
        self.flag = Some(flag);
        self
    }

    pub(super) const fn hidden(mut self) -> Setting {
        self.shown = Shown::Hidden;
        self
    }

    pub(super) const fn address(mut self) -> Setting {
        self.shown = Shown::Address;
        self
    }

    /// Its tables and its key; in capitals those that the user chooses.
    pub fn names(&self) -> Vec<&'static str> {
        self.name.split('.').collect()
    }

    /// The last of its names.
    pub(super) fn key(&self) -> &'static str {
        self.name.rsplit('.').next().expect("a split has a part")
    }

    /// Its default, if it has one.
    pub fn usual_value(&self) -> Option<Value> {
        match self.usual {
            Usual::Is(text) => Some(text.parse().expect("a default is TOML")),
            Usual::Not(_) => None,
        }
    }
}

/// What is wrong with a value: the rest of a sentence that begins with the setting's name, ` must be in
/// quotes` or `: it is whole days`. It never shows a value that may be a secret.
#[derive(Debug)]
pub(super) struct Problem(pub(super) String);

impl Problem {
    pub(super) fn must_be(what: impl Display) -> Problem {
        Problem(format!(" must be {what}"))
    }

    fn is_empty() -> Problem {
        Problem(" is empty".to_owned())
    }
}

/// A hint behind the name.
impl From<String> for Problem {
    fn from(hint: String) -> Problem {
        Problem(format!(": {hint}"))
    }
}

/// Puts a value where it belongs, if it is right.
pub(super) fn put<T, F: From<T>>(field: &mut F, value: Result<T, Problem>) -> Result<(), Problem> {
    *field = value?.into();
    Ok(())
}

/// A text; where it is none, it is said to have to be `what`.
pub(super) fn text_of<'v>(value: &'v Value, what: &str) -> Result<&'v str, Problem> {
    value.as_str().ok_or_else(|| Problem::must_be(what))
}

pub(super) fn text(value: &Value) -> Result<&str, Problem> {
    text_of(value, "in quotes")
}

/// A text that is read further.
pub(super) fn parsed<T>(
    value: &Value,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Problem> {
    Ok(parse(text(value)?)?)
}

pub(super) fn number<T>(value: &Value, range: RangeInclusive<T>) -> Result<T, Problem>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    let number = value.as_integer();
    let number = number.and_then(|number| T::try_from(number).ok());
    let number = number.filter(|number| range.contains(number));
    let (from, to) = (range.start(), range.end());
    number.ok_or_else(|| Problem::must_be(format!("a number from {from} to {to}")))
}

pub(super) fn switch(value: &Value) -> Result<bool, Problem> {
    let is_on = value.as_bool();
    is_on.ok_or_else(|| Problem::must_be("true or false"))
}

/// A list, described by `hint`; `item` gets `None` for what is no text.
pub(super) fn list<T>(
    value: &Value,
    hint: &str,
    item: impl Fn(Option<&str>) -> Result<T, String>,
) -> Result<Vec<T>, Problem> {
    let items = value.as_array();
    let items = items.ok_or_else(|| Problem::from(hint.to_owned()))?;
    let items = items.iter().map(|value| item(value.as_str()));
    Ok(items.collect::<Result<_, _>>()?)
}

pub(super) fn secret(value: &Value) -> Result<Secret, Problem> {
    Secret::new(text(value)?).ok_or_else(Problem::is_empty)
}

/// The name of a file.
pub(super) fn file(value: &Value) -> Result<PathBuf, Problem> {
    match text(value)? {
        "" => Err(Problem::is_empty()),
        name => Ok(PathBuf::from(name)),
    }
}
