//! What files set. `table` has one row per setting, which says how its value is read and where it is put;
//! `read` takes a file through these rows; `origin` remembers which line said what.
//!
//! Flags and the variables that stand for flags go before all of it; `cli` knows those.

mod hosts;
mod origin;
mod read;
mod row;
mod table;
pub(crate) mod values;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use calltrace_directory::{Config, SecretSource};
use calltrace_hosts::HostName;
use calltrace_model::record::{LogZone, Zone};
use calltrace_store::error::Error;
use calltrace_sync::records::CallDatabaseConfig;
use calltrace_upkeep::rotate::Policy;
use calltrace_web::pages::Language;
use calltrace_web::{ConnectionLimits, PublicUrl, Recordings, RequestLimits};
use toml::Value;

pub use origin::{Origins, Said};
pub use row::{Setting, Shown, Usual};
pub use table::SETTINGS;

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

/// What is set: by files, of which later ones win, else by default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder that holds one folder an enterprise.
    pub root: PathBuf,
    /// Zone of record times.
    pub log_timezone: LogZone,
    /// Zone that times are shown in; the system's when not set.
    pub display_timezone: Option<Zone>,
    /// Threads; 0 for one a core.
    pub threads: u16,
    /// Whether ids lead to pages, on terminals that know how.
    pub hyperlinks: bool,
    /// How logs are rotated where no flag says otherwise.
    pub rotate: Policy,
    /// How pages are served.
    pub serve: ServeSettings,
    /// How what hosts sent is synchronised.
    pub sync: SyncSettings,
    /// Who is who.
    pub directory: Config,
    /// `[hosts.NAME]`, as far as it was said.
    host_settings: BTreeMap<HostName, hosts::HostSettings>,
    /// Which file and line says which of them.
    pub origins: Origins,
    /// The files that were looked for, in order.
    pub files: Vec<(PathBuf, FileState)>,
}

/// `[serve]` of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Where people reach the pages.
    pub public_url: Option<PublicUrl>,
    /// The language of those who do not say which they speak.
    pub language: Language,
    /// In which a request is answered or refused.
    pub limits: RequestLimits,
    /// How many connections are open at one time, and the proxies on other hosts that are believed when
    /// they say whose a request is.
    pub connections: ConnectionLimits,
    /// Where recordings are.
    pub recordings: Recordings,
    /// What opens the API to those who are no program of this host.
    pub api_token: Option<SecretSource>,
    /// Where the log is written instead of stderr.
    pub log_file: Option<PathBuf>,
}

/// `[sync]` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncSettings {
    /// Where `serve` answers those who start runs and watch them; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How often `serve` fetches by itself what did not arrive; `None`: never.
    pub interval: Option<Duration>,
    /// The host that the hosts which the database names are reached like; `None`: it is not asked for any.
    pub hosts_like: Option<HostName>,
    /// The database that copies of calls are kept in.
    pub records: CallDatabaseConfig,
}

impl Settings {
    /// The defaults: what holds where no file says anything.
    pub fn usual() -> Settings {
        // Each field that is not optional has a row with a default, which is read below.
        let mut settings = Settings {
            root: PathBuf::new(),
            log_timezone: LogZone::default(),
            display_timezone: None,
            threads: 0,
            hyperlinks: true,
            rotate: Policy::default(),
            serve: ServeSettings {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                public_url: None,
                language: Language::default(),
                limits: RequestLimits::default(),
                connections: ConnectionLimits::default(),
                recordings: Recordings::default(),
                api_token: None,
                log_file: None,
            },
            sync: SyncSettings::default(),
            directory: Config::default(),
            host_settings: BTreeMap::new(),
            origins: Origins::default(),
            files: Vec::new(),
        };
        for setting in SETTINGS {
            if let Some(value) = setting.usual_value() {
                let set = (setting.set)(&mut settings, &setting.names(), &value);
                set.expect("a default is a right value");
            }
        }
        settings
    }

    /// Reads `/etc/calltrace/config.toml`, then `calltrace/config.toml` in the user's folder of
    /// settings, then `named`, then `CALLTRACE_LOG_TIMEZONE`. Only `named` must exist.
    ///
    /// # Errors
    /// A file that can't be read or is no TOML; an unknown key (the nearest right one is named); a
    /// value of the wrong type; a host of which something is missing.
    pub fn load(named: Option<&Path>) -> Result<Settings, Error> {
        use ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        let mut settings = Settings::usual();
        let user = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            // The specification wants others passed over.
            .filter(|dir| dir.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".config")))
            .map(|dir| dir.join("calltrace/config.toml"));
        let for_all = PathBuf::from("/etc/calltrace/config.toml");
        let files: [(Option<PathBuf>, &[ErrorKind]); 3] = [
            (Some(for_all), &[NotFound, NotADirectory]),
            // `sudo -u` and its like leave HOME as it was.
            (user, &[NotFound, NotADirectory, PermissionDenied]),
            (named.map(Path::to_owned), &[]),
        ];
        for (path, passed_over) in files {
            let Some(path) = path else { continue };
            let state = match fs::read_to_string(&path) {
                Ok(text) => {
                    read::read(&mut settings, &text, &path)?;
                    FileState::Read
                }
                Err(error) if !passed_over.contains(&error.kind()) => {
                    return Err(Error::io(&path, "read the settings", error));
                }
                Err(error) if error.kind() == PermissionDenied => FileState::Closed,
                Err(_) => FileState::Missing,
            };
            settings.files.push((path, state));
        }
        settings.take_variable("log_timezone")?;
        settings.hosts()?;
        Ok(settings)
    }

    /// What the environment says of a setting that has no flag; clap reads the variables of others.
    fn take_variable(&mut self, name: &str) -> Result<(), Error> {
        let setting = Setting::of(&[name]).expect("it is in the table");
        let variable = setting.variable.expect("it has a variable");
        let Some(text) = env::var_os(variable) else {
            return Ok(());
        };
        let value = Value::from(text.to_string_lossy().as_ref());
        (setting.set)(self, &[name], &value)
            .map_err(|problem| Error::Usage(format!("{variable}{}", problem.0)))
    }
}

#[cfg(test)]
mod tests;
