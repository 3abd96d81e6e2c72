//! Settings from files. `table` has one row per setting, which says how its value is read and where it is stored;
//! `read` applies these rows to a file; `origin` remembers the line of each setting.
//!
//! Options and their environment variables override files; `cli` reads them.

mod checks;
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

use calltrace_alerts::channels::ChannelsConfig;
use calltrace_archive::ArchiveConfig;
use calltrace_directory::{Config, SecretSource};
use calltrace_hosts::HostName;
use calltrace_model::record::{LogZone, Zone};
use calltrace_store::error::Error;
use calltrace_sync::records::CallDatabaseConfig;
use calltrace_upkeep::rotate::Policy;
use calltrace_web::pages::Language;
use calltrace_web::{ConnectionLimits, PublicUrl, Recordings, RequestLimits};
use toml::Value;

pub use origin::{FileSetting, Origins};
pub use row::{Setting, SettingDefault, Visibility};
pub use table::SETTINGS;

/// Whether a settings file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsFileState {
    Read,
    Missing,
    /// The user's own file is in a folder that this process may not read, because it runs as another user.
    Closed,
}

impl SettingsFileState {
    /// The state in a few words.
    pub fn as_str(self) -> &'static str {
        match self {
            SettingsFileState::Read => "read",
            SettingsFileState::Missing => "not there",
            SettingsFileState::Closed => "not ours to read",
        }
    }
}

/// The settings: from files, of which later ones win, otherwise the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder that holds one folder per enterprise.
    pub root: PathBuf,
    /// Time zone of the records.
    pub log_timezone: LogZone,
    /// Time zone of the output; `None` for the system's zone.
    pub display_timezone: Option<Zone>,
    /// Number of threads; 0 for one per core.
    pub threads: u16,
    /// Whether ids are links to their pages, on terminals that support links.
    pub hyperlinks: bool,
    /// The policy of rotations; options override it.
    pub rotate: Policy,
    pub serve: ServeSettings,
    pub sync: SyncSettings,
    /// Object storage for sealed days.
    pub archive: ArchiveConfig,
    /// What `ship` removes.
    pub ship: ShipSettings,
    pub notify: NotifySettings,
    /// Sources of names and secrets.
    pub directory: Config,
    /// The tables `[hosts.NAME]`.
    host_settings: BTreeMap<HostName, hosts::HostSettings>,
    /// The tables `[[check]]`, by name.
    check_settings: BTreeMap<String, checks::CheckSettings>,
    /// The file and line of each setting.
    pub origins: Origins,
    /// The settings files that were looked for, in order.
    pub files: Vec<(PathBuf, SettingsFileState)>,
}

/// What `ship` removes: `ship.keep_local` and `archive.keep` of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShipSettings {
    /// Full days that local files of shipped days are kept; `None` to leave them to rotations.
    pub keep_local_days: Option<u32>,
    /// Full days that shipped days are kept; `None` for ever.
    pub keep_days: Option<u32>,
}

/// `[serve]` of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Address at which users reach the pages.
    pub public_url: Option<PublicUrl>,
    /// Language of visitors if their browser asks for none.
    pub language: Language,
    /// Time limits of a request.
    pub limits: RequestLimits,
    /// Maximum number of connections, and the proxies on other hosts with a trusted `X-Forwarded-For`.
    pub connections: ConnectionLimits,
    /// Addresses of recordings.
    pub recordings: Recordings,
    /// The token that opens the API to clients on other hosts.
    pub api_token: Option<SecretSource>,
    /// The log file; `None` for stderr.
    pub log_file: Option<PathBuf>,
}

/// `[sync]` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncSettings {
    /// Address of the API that starts and shows runs; `None` for no such API.
    pub listen: Option<SocketAddr>,
    /// Time between scheduled runs of `serve`; `None` for no scheduled runs.
    pub interval: Option<Duration>,
    /// The host that gives its login and journals to hosts that only the database names; `None` if the database is
    /// not asked for hosts.
    pub hosts_like: Option<HostName>,
    /// The database that gets copies of calls.
    pub records: CallDatabaseConfig,
}

/// `[notify]` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifySettings {
    /// The file of what was found and told.
    pub state: PathBuf,
    /// Time after which a finding that still fires is told again; `None` for never.
    pub repeat: Option<Duration>,
    /// Language of messages.
    pub language: Language,
    /// Where messages go.
    pub channels: ChannelsConfig,
}

impl Settings {
    /// The default settings.
    pub fn defaults() -> Settings {
        // The loop below sets the default of each field that is not optional.
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
            archive: ArchiveConfig::default(),
            ship: ShipSettings::default(),
            notify: NotifySettings::default(),
            directory: Config::default(),
            host_settings: BTreeMap::new(),
            check_settings: BTreeMap::new(),
            origins: Origins::default(),
            files: Vec::new(),
        };
        for setting in SETTINGS {
            if let Some(value) = setting.default_value() {
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
    /// A file that can't be read or is not TOML; an unknown key (the message names the nearest known one); a
    /// value of the wrong type; a host without a required setting.
    pub fn load(named: Option<&Path>) -> Result<Settings, Error> {
        use ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        let mut settings = Settings::defaults();
        let user = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            // The specification says that relative paths are ignored.
            .filter(|dir| dir.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".config")))
            .map(|dir| dir.join("calltrace/config.toml"));
        let for_all = PathBuf::from("/etc/calltrace/config.toml");
        let files: [(Option<PathBuf>, &[ErrorKind]); 3] = [
            (Some(for_all), &[NotFound, NotADirectory]),
            // `sudo -u` may leave HOME unchanged.
            (user, &[NotFound, NotADirectory, PermissionDenied]),
            (named.map(Path::to_owned), &[]),
        ];
        for (path, passed_over) in files {
            let Some(path) = path else { continue };
            let state = match fs::read_to_string(&path) {
                Ok(text) => {
                    read::read(&mut settings, &text, &path)?;
                    SettingsFileState::Read
                }
                Err(error) if !passed_over.contains(&error.kind()) => {
                    return Err(Error::io(&path, "read the settings", error));
                }
                Err(error) if error.kind() == PermissionDenied => SettingsFileState::Closed,
                Err(_) => SettingsFileState::Missing,
            };
            settings.files.push((path, state));
        }
        settings.take_variable("log_timezone")?;
        settings.hosts()?;
        if settings.archive.cache.is_none() {
            settings.archive.cache = cache_of_user();
        }
        settings.checks(Zone::UTC)?;
        Ok(settings)
    }

    /// Reads the environment variable of a setting without an option; clap reads the other variables.
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

/// The folder for what calltrace can do without: the one that systemd gives a service, or the user's.
fn cache_of_user() -> Option<PathBuf> {
    let folder = |variable: &str| env::var_os(variable).map(PathBuf::from);
    let caches = || folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let caches = || caches().or_else(|| env::home_dir().map(|home| home.join(".cache")));
    let given = folder("CACHE_DIRECTORY").or_else(|| Some(caches()?.join("calltrace")));
    given.filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests;
