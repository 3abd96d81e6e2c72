//! `calltrace config`: each setting, its value and where the value comes from.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;
use toml::Value;

use super::Exit;
use super::origin::ValueOrigin;
use super::root::{here, is_there};
use super::system_zone::system_zone;
use super::talk::Out;
use crate::cli::{ConfigArgs, ConfigFormat, Global, check_environment};
use crate::settings::{
    FileSetting, SETTINGS, Setting, SettingDefault, Settings, SettingsFileState,
};
use calltrace_model::sanitise::sanitise;
use calltrace_store::error::{Error, reason};

/// Column at which comments begin, unless a value is longer.
const VALUE_COLUMNS: usize = 40;

/// Version of the JSON.
const VERSION: u8 = 1;

pub(super) fn run(global: &Global, args: &ConfigArgs) -> Result<Exit, Error> {
    let settings = Settings::load(global.config.as_deref())?;
    // Variables are checked as in the commands that use them.
    check_environment().map_err(Error::Usage)?;
    let rows = rows(global, &settings);
    let mut out = Out::stdout(global.color);
    match args.format {
        ConfigFormat::Toml => {
            let text = out.dressed(|out| toml(out, &settings, &rows))?;
            out.bytes(|out| out.write_all(&text))?;
        }
        ConfigFormat::Json => {
            let document = document(&settings, &rows);
            out.bytes(|out| writeln!(out, "{document:#}"))?;
        }
    }
    Ok(Exit::Found)
}

/// One setting with the value in effect.
struct SettingRow {
    setting: &'static Setting,
    /// Its tables and its key: never empty.
    at: Vec<String>,
    value: Option<Value>,
    /// The part of a secret value that may be shown.
    masked: Option<String>,
    origin: ValueOrigin,
}

/// All settings in the order of the documentation. If two settings are alternatives (`secret`, `secret_file`), only the
/// one that is set is listed, if one is set.
fn rows(global: &Global, settings: &Settings) -> Vec<SettingRow> {
    let mut rows = Vec::new();
    for run in SETTINGS.chunk_by(|a, b| a.is_chosen() == b.is_chosen()) {
        if !run[0].is_chosen() {
            let own = run
                .iter()
                .filter(|one| !settings.origins.has_alternative_of(one));
            rows.extend(own.map(|setting| fixed(setting, global, settings)));
            continue;
        }
        // Settings with names that the user chose are sorted by their tables.
        let of_run = run.iter().flat_map(|setting| chosen(setting, settings));
        let mut of_run: Vec<SettingRow> = of_run.collect();
        of_run.sort_by(|a, b| a.tables().cmp(b.tables()));
        rows.append(&mut of_run);
    }
    rows
}

impl SettingRow {
    /// The tables that its key is in.
    fn tables(&self) -> &[String] {
        &self.at[..self.at.len() - 1]
    }

    fn key(&self) -> &str {
        self.at.last().expect("a setting has a name")
    }
}

/// The settings of files under names that the user chose.
fn chosen(setting: &'static Setting, settings: &Settings) -> Vec<SettingRow> {
    let entries = settings.origins.all();
    let entries =
        entries.filter(|(at, _)| Setting::of(at).is_some_and(|of| of.name == setting.name));
    entries
        .map(|(at, entries)| of_file(setting, at.to_vec(), entries))
        .collect()
}

fn of_file(setting: &'static Setting, at: Vec<String>, setting_value: &FileSetting) -> SettingRow {
    let is_no_file = |value: &Value| {
        let path = value.as_str().map(Path::new);
        path.is_some_and(|path| path.is_relative() && !path.exists())
    };
    // The user may have written the secret itself in place of the file name.
    let shown = setting_value.value.as_ref();
    let shown = shown.filter(|value| !(setting.names_a_secret() && is_no_file(value)));
    SettingRow {
        setting,
        at,
        value: shown.cloned(),
        masked: setting_value.masked.clone(),
        origin: ValueOrigin::File(setting_value.path.clone(), setting_value.line),
    }
}

fn fixed(setting: &'static Setting, global: &Global, settings: &Settings) -> SettingRow {
    let names = setting.names();
    let at = names.iter().map(|&name| name.to_owned()).collect();
    let origin = ValueOrigin::of(setting, settings);
    let value = match &origin {
        ValueOrigin::Flag(_) => typed(setting, global),
        ValueOrigin::Variable(name) => from_variable(setting, name),
        ValueOrigin::File(..) => {
            let setting_value = settings.origins.of(&names).expect("a file says it");
            return of_file(setting, at, setting_value);
        }
        ValueOrigin::Default if setting.name == "display_timezone" => {
            Some(Value::from(system_zone().name()))
        }
        ValueOrigin::Default => setting.default_value(),
    };
    SettingRow {
        setting,
        at,
        value,
        masked: None,
        origin,
    }
}

/// The value of a global option.
fn typed(setting: &Setting, global: &Global) -> Option<Value> {
    match setting.name {
        "root" => Some(Value::from(global.root.as_ref()?.display().to_string())),
        "display_timezone" => Some(Value::from(global.tz?.name())),
        "threads" => Some(Value::from(u32::from(global.threads?))),
        _ => None,
    }
}

fn from_variable(setting: &Setting, name: &str) -> Option<Value> {
    let text = env::var_os(name)?.to_string_lossy().into_owned();
    let default = setting.default_value();
    let is_number = default.is_some_and(|default| default.is_integer());
    Some(match text.parse::<i64>() {
        Ok(number) if is_number => Value::from(number),
        _ => Value::from(text),
    })
}

fn toml(out: &mut dyn Write, settings: &Settings, rows: &[SettingRow]) -> io::Result<()> {
    for (path, state) in &settings.files {
        let path = shown(&path.display().to_string());
        writeln!(out, "# {path}, {}", state.as_str())?;
    }
    let mut table: &[String] = &[];
    for row in rows {
        if row.tables() != table {
            table = row.tables();
            let names: Vec<String> = table.iter().map(|name| bare(name)).collect();
            writeln!(out, "\n[{}]", names.join("."))?;
        }
        let key = bare(row.key());
        let shown_value = match &row.value {
            Some(Value::String(text)) => format!("{key} = {}", quoted(text)),
            Some(value) => format!("{key} = {value}"),
            None => format!("# {key}"),
        };
        let padding = " ".repeat(VALUE_COLUMNS.saturating_sub(shown_value.chars().count()));
        let comment = shown(&comment(row));
        writeln!(out, "{shown_value}{padding}  # {comment}")?;
    }
    for (top, table) in [
        ("enterprises", "enterprises.NUMBER"),
        ("hosts", "hosts.NAME"),
        ("people", "people"),
    ] {
        if !rows.iter().any(|row| row.at[0] == top) {
            writeln!(out, "\n# [{table}]: nothing is set")?;
        }
    }
    Ok(())
}

/// The key as TOML has it, in quotes where it needs them.
fn bare(key: &str) -> String {
    let is_bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

/// A basic string of TOML without characters that a terminal would act on.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let mut bytes = [0; 4];
        let plain = &*c.encode_utf8(&mut bytes);
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if shown(plain) == plain => quoted.push(c),
            _ => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    quoted + "\""
}

fn comment(row: &SettingRow) -> String {
    let name = row.setting.name;
    let origin = match (&row.origin, row.setting.default, &row.value) {
        (ValueOrigin::Default, SettingDefault::Not(what), None) => {
            return format!("not set: {what}");
        }
        (ValueOrigin::Default, SettingDefault::Not(what), _) => format!("default: {what}"),
        (ValueOrigin::Default, _, Some(Value::String(path))) if name == "root" => {
            let there = match is_there(Path::new(path)) {
                true => "in",
                false => "not there in",
            };
            format!("default: {there} {}", here().display())
        }
        (origin, ..) => origin.to_string(),
    };
    match (&row.value, &row.masked) {
        (None, Some(masked)) => format!("{origin}, set: {masked}"),
        (None, None) => format!("{origin}, set and not shown"),
        (Some(Value::String(path)), _) if row.setting.names_a_secret() => match File::open(path) {
            Ok(_) => origin,
            Err(error) => format!("{origin}; can't be read here: {}", reason(&error)),
        },
        _ => origin,
    }
}

fn shown(text: &str) -> String {
    sanitise(text.as_bytes()).into_owned()
}

fn document(settings: &Settings, rows: &[SettingRow]) -> serde_json::Value {
    let files = settings.files.iter().map(
        |(path, state)| json!({"path": path.to_string_lossy(), "read": *state == SettingsFileState::Read}),
    );
    json!({
        "version": VERSION,
        "files": files.collect::<Vec<_>>(),
        "settings": rows.iter().map(setting).collect::<Vec<_>>(),
    })
}

fn setting(row: &SettingRow) -> serde_json::Value {
    let (origin, path, line, name) = match &row.origin {
        ValueOrigin::Flag(name) => ("flag", None, None, Some(*name)),
        ValueOrigin::Variable(name) => ("environment", None, None, Some(*name)),
        ValueOrigin::File(path, line) => ("file", Some(path.to_string_lossy()), Some(*line), None),
        ValueOrigin::Default if row.value.is_none() => ("unset", None, None, None),
        ValueOrigin::Default => ("default", None, None, None),
    };
    let is_secret = row.value.is_none() && !matches!(row.origin, ValueOrigin::Default);
    let mut setting = json!({
        "key": row.at,
        "value": row.value,
        "origin": origin,
        "file": path,
        "line": line,
        "name": name,
        "secret": is_secret.then_some(true),
        "masked": row.masked,
    });
    let object = setting.as_object_mut().expect("it was made as one");
    object.retain(|key, value| key == "value" || !value.is_null());
    setting
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;

    #[test]
    fn keys_are_quoted_if_toml_requires_it() {
        assert_eq!(bare("0367"), "0367");
        assert_eq!(bare("a b"), "\"a b\"");
        assert_eq!(bare(""), "\"\"");
        let text = "a\"b\\c\n\u{1b}[2J\u{202e}Анна";
        let line = format!("key = {}", quoted(text));
        assert!(line.is_ascii() || !line.contains('\u{202e}'), "{line}");
        let read: Table = line.parse().expect("it is TOML");
        assert_eq!(read["key"].as_str(), Some(text));
    }
}
