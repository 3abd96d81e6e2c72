//! Settings from files, under the environment and flags (which clap has merged already).

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use calltrace_model::record::Zone;
use toml::{Table, Value};

use super::directory::read_directory;
use super::known;
use super::origin::Origins;
use super::rotate::RotateSettings;
use super::serve::ServeSettings;
use super::values::zone_hint;
use super::wrong::{Wrong, line_at};
use calltrace_store::error::Error;

/// What became of a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It was read.
    Read,
    /// It is not there.
    Missing,
    /// The user's own, in a folder that this process may not look into: it runs as somebody else.
    Closed,
}

impl FileState {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            FileState::Read => "read",
            FileState::Missing => "not there",
            FileState::Closed => "not ours to read",
        }
    }
}

/// What can be set in a file. Later files win.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Folder that holds one folder an enterprise.
    pub root: Option<PathBuf>,
    /// Zone of record times; UTC when not set.
    pub log_timezone: Option<Zone>,
    /// Zone that times are shown in; the system's when not set.
    pub display_timezone: Option<Zone>,
    /// Threads; 0 for one a core.
    pub threads: Option<u16>,
    /// How logs are rotated.
    pub rotate: RotateSettings,
    /// How pages are served.
    pub serve: ServeSettings,
    /// Who is who.
    pub directory: calltrace_directory::Config,
    /// Which file and line says which of them.
    pub origins: Origins,
    /// The files that were looked for, in order.
    pub files: Vec<(PathBuf, FileState)>,
}

impl Settings {
    /// Reads `/etc/calltrace/config.toml`, then `calltrace/config.toml` in the user's folder of
    /// settings, then `named`, then `CALLTRACE_LOG_TIMEZONE`. Only `named` must exist.
    ///
    /// # Errors
    /// A file that can't be read or is no TOML; an unknown key (the nearest right one is named); a
    /// value of the wrong type.
    pub fn load(named: Option<&Path>) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        let user = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            // The specification wants others passed over.
            .filter(|dir| dir.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".config")))
            .map(|dir| dir.join("calltrace/config.toml"));
        let for_all = PathBuf::from("/etc/calltrace/config.toml");
        for path in std::iter::once(&for_all).chain(&user) {
            use ErrorKind::{NotADirectory, NotFound, PermissionDenied};
            let state = match fs::read_to_string(path) {
                Ok(text) => {
                    settings.read_file(&text, path)?;
                    continue;
                }
                Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {
                    FileState::Missing
                }
                // `sudo -u` and its like leave HOME as it was.
                Err(error) if error.kind() == PermissionDenied && *path != for_all => {
                    FileState::Closed
                }
                Err(error) => return Err(Error::io(path, "read the settings", error)),
            };
            settings.files.push((path.clone(), state));
        }
        if let Some(path) = named {
            let text = fs::read_to_string(path)
                .map_err(|error| Error::io(path, "read the settings", error))?;
            settings.read_file(&text, path)?;
        }
        if let Some(name) = env::var_os("CALLTRACE_LOG_TIMEZONE") {
            let name = name.to_string_lossy();
            let zone = zone(&name)
                .map_err(|hint| Error::Usage(format!("CALLTRACE_LOG_TIMEZONE: {hint}")))?;
            settings.log_timezone = Some(zone);
        }
        Ok(settings)
    }

    fn read_file(&mut self, text: &str, path: &Path) -> Result<(), Error> {
        let at = path.display();
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            let what = error.message().replace('\n', " ");
            Error::Usage(format!("{at}:{line}: {what}"))
        })?;
        self.take_over(table).map_err(|wrong| {
            let line = wrong.line_in(text);
            Error::Usage(format!("{at}:{line}: {wrong}"))
        })?;
        self.origins.note(text, path);
        self.files.push((path.to_owned(), FileState::Read));
        Ok(())
    }

    fn take_over(&mut self, table: Table) -> Result<(), Wrong> {
        for (key, value) in table {
            let wrong = |wanted: &str| Wrong::new(&key, &format!("must be {wanted}"));
            match (key.as_str(), value) {
                ("root", Value::String(dir)) if !dir.is_empty() && !dir.contains('\0') => {
                    self.root = Some(PathBuf::from(dir));
                }
                ("root", _) => return Err(wrong("a folder, in quotes")),
                ("log_timezone", Value::String(name)) => {
                    let zone = zone(&name).map_err(|hint| Wrong::value(&key, &hint))?;
                    self.log_timezone = Some(zone);
                }
                ("display_timezone", Value::String(name)) => {
                    let zone = zone(&name).map_err(|hint| Wrong::value(&key, &hint))?;
                    self.display_timezone = Some(zone);
                }
                ("log_timezone" | "display_timezone", _) => {
                    return Err(wrong("a time zone, in quotes"));
                }
                ("threads", Value::Integer(n)) if (0..=256).contains(&n) => {
                    self.threads = u16::try_from(n).ok();
                }
                ("threads", _) => return Err(wrong("a number from 0 to 256")),
                ("rotate", Value::Table(table)) => self.rotate.read(table)?,
                ("serve", Value::Table(table)) => self.serve.read(table)?,
                ("enterprises" | "people" | "postgres" | "metadata", Value::Table(table)) => {
                    read_directory(&mut self.directory, &key, table)?;
                }
                ("rotate" | "serve" | "enterprises" | "people" | "postgres" | "metadata", _) => {
                    return Err(wrong("a table"));
                }
                (unknown, _) => return Err(known::unknown(unknown, "", "")),
            }
        }
        Ok(())
    }
}

fn zone(name: &str) -> Result<Zone, String> {
    Zone::named(name).ok_or_else(|| zone_hint(name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use calltrace_upkeep::rotate::Mode;

    fn read(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        settings
            .read_file(text, Path::new("config.toml"))
            .map_err(|error| error.to_string())?;
        Ok(settings)
    }

    fn refused(text: &str) -> String {
        read(text).expect_err("something is wrong with it")
    }

    #[test]
    fn an_unknown_key_names_the_nearest_right_one() {
        assert_eq!(
            refused("log_timezon = \"UTC\""),
            "config.toml:1: no setting \"log_timezon\"; did you mean log_timezone?"
        );
        assert_eq!(
            refused("threads = -1"),
            "config.toml:1: threads must be a number from 0 to 256"
        );
        assert!(read("root = ").is_err());
        assert_eq!(
            refused("[rotate]\nkep = \"14d\""),
            "config.toml:2: no setting \"kep\" in [rotate]; did you mean keep?"
        );
        assert_eq!(
            refused("[rotate]\nmode = \"colapse\""),
            "config.toml:2: rotate.mode: no mode \"colapse\"; did you mean collapse?"
        );
    }

    #[test]
    fn all_keys_are_read() {
        let settings = read(
            "root = \"/srv\"\nlog_timezone = \"utc\"\ndisplay_timezone = \"Europe/Minsk\"\nthreads = 2\n\
             [rotate]\nkeep = \"30d\"\nmode = \"rename\"\nmax_size = \"500MB\"\ngrace = \"2m\"\n\
             verify = \"1GiB\"",
        );
        let settings = settings.expect("all of it is right");
        let rotate = RotateSettings {
            keep_days: Some(30),
            mode: Some(Mode::Rename),
            size_max: Some(500_000_000),
            grace: Some(Duration::from_secs(120)),
            verify_bytes: Some(1 << 30),
        };
        assert_eq!(settings.rotate, rotate);
        assert_eq!(settings.root, Some("/srv".into()));
        assert_eq!(settings.log_timezone, Some(Zone::UTC));
        assert_eq!(
            settings.display_timezone,
            Some(Zone::named("Europe/Minsk").expect("a zone"))
        );
        assert_eq!(settings.threads, Some(2));
    }
}
