//! A row of the table of settings, and functions that read values.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use calltrace_directory::Secret;
use toml::Value;

use super::Settings;

/// One setting of a file.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its tables and its key, with dots between them: `rotate.keep`. A part in capitals is a name
    /// that the user chooses: `enterprises.NUMBER.name`.
    pub name: &'static str,
    pub default: SettingDefault,
    /// The global option that overrides the variable.
    pub flag: Option<&'static str>,
    /// The environment variable that overrides all files.
    pub variable: Option<&'static str>,
    /// The part of its value that may be shown.
    pub shown: Visibility,
    /// A short description, with the unit and the range.
    pub about: &'static str,
    /// Reads a value and sets it, under these names; names that the user chose are already checked.
    pub(super) set: Set,
}

pub(super) type Set = fn(&mut Settings, &[&str], &Value) -> Result<(), Problem>;

/// The default of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingDefault {
    /// This value, as TOML.
    Is(&'static str),
    /// No value; the text says what happens then.
    Not(&'static str),
}

/// The part of a value that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Whole,
    /// An address without its password.
    Address,
    Hidden,
}

impl Setting {
    pub(super) const fn new(
        name: &'static str,
        default: SettingDefault,
        about: &'static str,
        set: Set,
    ) -> Setting {
        Setting {
            name,
            default,
            flag: None,
            variable: None,
            shown: Visibility::Whole,
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
        self.shown = Visibility::Hidden;
        self
    }

    pub(super) const fn address(mut self) -> Setting {
        self.shown = Visibility::Address;
        self
    }

    /// Its tables and its key; names that the user chooses are in capitals.
    pub fn names(&self) -> Vec<&'static str> {
        self.name.split('.').collect()
    }

    /// The last of its names.
    pub(super) fn key(&self) -> &'static str {
        self.name.rsplit('.').next().expect("a split has a part")
    }

    /// Its default, if it has one.
    pub fn default_value(&self) -> Option<Value> {
        match self.default {
            SettingDefault::Is(text) => Some(text.parse().expect("a default is TOML")),
            SettingDefault::Not(_) => None,
        }
    }
}

/// The error about a value: the rest of a sentence that begins with the setting's name, such as ` must be in
/// quotes` or `: it is whole days`. It never contains a value that may be a secret.
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

/// A hint after the name.
impl From<String> for Problem {
    fn from(hint: String) -> Problem {
        Problem(format!(": {hint}"))
    }
}

/// Stores a value in its field if it is valid.
pub(super) fn put<T, F: From<T>>(field: &mut F, value: Result<T, Problem>) -> Result<(), Problem> {
    *field = value?.into();
    Ok(())
}

/// The text of a value; any other type is refused with the message that it must be `what`.
pub(super) fn text_of<'v>(value: &'v Value, what: &str) -> Result<&'v str, Problem> {
    value.as_str().ok_or_else(|| Problem::must_be(what))
}

pub(super) fn text(value: &Value) -> Result<&str, Problem> {
    text_of(value, "in quotes")
}

/// A text, parsed by `parse`.
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

/// A list, described by `hint`; `item` gets `None` for an item that is not a text.
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

/// A file name, which must not be empty.
pub(super) fn file(value: &Value) -> Result<PathBuf, Problem> {
    match text(value)? {
        "" => Err(Problem::is_empty()),
        name => Ok(PathBuf::from(name)),
    }
}
