//! Reads a settings file: finds the row of each key, stores its value, notes its line, and reports errors.

use std::path::Path;

use calltrace_store::error::Error;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::Settings;
use super::row::{Problem, Setting};
use super::table::check_name;
use super::values::meant;

/// Reads a file into `settings`, key by key; keys that it does not have keep their values.
///
/// # Errors
/// The first error in the order of keys, with the file and the line.
pub(super) fn read(settings: &mut Settings, text: &str, path: &Path) -> Result<(), Error> {
    let mut reader = SettingsReader {
        settings,
        text,
        path,
    };
    let document = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        reader.wrong(start, &error.message().replace('\n', " "))
    })?;
    reader.table(&mut Vec::new(), document.get_ref(), 0)
}

struct SettingsReader<'w> {
    settings: &'w mut Settings,
    text: &'w str,
    path: &'w Path,
}

impl SettingsReader<'_> {
    /// Reads a table under these names. `start` is the position of its key (bytes from the start of the file).
    fn table<'t>(
        &mut self,
        names: &mut Vec<&'t str>,
        table: &'t DeTable<'_>,
        start: usize,
    ) -> Result<(), Error> {
        let own = Setting::below(names).filter(|one| one.names().len() == names.len() + 1);
        for (one, other) in own.filter_map(|one| Some((one.key(), one.alternative()?.key()))) {
            if table.contains_key(one) && table.contains_key(other) {
                let both = format!(" has both {one} and {other}; keep only one of them");
                return Err(self.refused(names, start, &Problem(both)));
            }
        }
        for (key, value) in table {
            names.push(key.get_ref());
            self.entry(names, value.get_ref(), key.span().start)?;
            names.pop();
        }
        Ok(())
    }

    /// Reads the entry under these names: a setting, or a table of settings.
    fn entry<'t>(
        &mut self,
        names: &mut Vec<&'t str>,
        value: &'t DeValue<'_>,
        start: usize,
    ) -> Result<(), Error> {
        let Some(setting) = Setting::below(names).next() else {
            return Err(self.wrong(start, &unknown(names)));
        };
        if names[..] == ["check"] {
            return self.checks(names, value, start);
        }
        let (known, depth) = (setting.names(), names.len());
        check_name(known[depth - 1], names[depth - 1])
            .map_err(|problem| self.refused(names, start, &problem))?;
        if known.len() == depth {
            let value = plain(value);
            (setting.set)(self.settings, names, &value)
                .map_err(|problem| self.refused(names, start, &problem))?;
            let line = self.line(start);
            let origins = &mut self.settings.origins;
            origins.note(setting, names, value, (self.path, line));
            return Ok(());
        }
        match value {
            DeValue::Table(table) => self.table(names, table, start),
            _ => Err(self.refused(names, start, &Problem::must_be("a table"))),
        }
    }

    /// Reads the tables `[[check]]`. Their settings are kept under the name of each check.
    fn checks<'t>(
        &mut self,
        names: &mut Vec<&'t str>,
        value: &'t DeValue<'_>,
        start: usize,
    ) -> Result<(), Error> {
        let DeValue::Array(tables) = value else {
            return Err(self.refused(
                names,
                start,
                &Problem::must_be("written as [[check]], once for each check"),
            ));
        };
        let mut known: Vec<&str> = Vec::new();
        for table in tables {
            let start = table.span().start;
            let DeValue::Table(table) = table.get_ref() else {
                return Err(self.refused(names, start, &Problem::must_be("a table")));
            };
            // A check without a name has that of its rule.
            let said = |key| table.get(key).and_then(|value| value.get_ref().as_str());
            let Some(name) = said("name").or_else(|| said("rule")) else {
                let what = " has a table without rule; add a line such as rule = \"missed_share\"";
                return Err(self.refused(names, start, &Problem(what.to_owned())));
            };
            check_name("CHECK", name).map_err(|problem| self.refused(names, start, &problem))?;
            if known.contains(&name) {
                let what =
                    format!(" has two tables of the name {name:?}; give each a name of its own");
                return Err(self.refused(names, start, &Problem(what)));
            }
            known.push(name);
            names.push(name);
            self.table(names, table, start)?;
            names.pop();
        }
        Ok(())
    }

    fn refused(&self, names: &[&str], start: usize, problem: &Problem) -> Error {
        self.wrong(start, &format!("{}{}", names.join("."), problem.0))
    }

    fn wrong(&self, start: usize, what: &str) -> Error {
        let (path, line) = (self.path.display(), self.line(start));
        Error::Usage(format!("{path}:{line}: {what}"))
    }

    /// The line of a position in the file, from 1.
    fn line(&self, start: usize) -> usize {
        let before = self.text.as_bytes().get(..start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

/// The value in the type that rows take. A value of a type that no setting has becomes an empty table, which each row
/// refuses.
fn plain(value: &DeValue<'_>) -> Value {
    let integer = || {
        let digits = value.as_integer()?;
        let number = i64::from_str_radix(digits.as_str(), digits.radix());
        number.ok().map(Value::Integer)
    };
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(is_on) => Value::Boolean(*is_on),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| plain(item.get_ref())).collect())
        }
        _ => integer().unwrap_or_else(|| Value::Table(Table::new())),
    }
}

/// The error about a name that its table does not have.
fn unknown(names: &[&str]) -> String {
    let (name, tables) = names.split_last().expect("a key has a name");
    let mut known: Vec<&str> = Setting::below(tables)
        .map(|setting| setting.names()[tables.len()])
        .collect();
    known.dedup();
    let place = match tables {
        [] => String::new(),
        _ => format!(" in [{}]", tables.join(".")),
    };
    format!("no setting {name:?}{place}; {}", meant(name, &known))
}
