//! `[hosts.NAME]`: the settings of a host, key by key, and the host made of them.

use std::path::PathBuf;

use calltrace_hosts::{Address, Host, HostName, JournalFolder, Login, SshFile, User};
use calltrace_model::record::Zone;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

use super::Settings;

/// The settings of one host.
#[derive(Debug, Clone, Default)]
pub(super) struct HostSettings {
    pub(super) enterprise: Option<EnterpriseName>,
    pub(super) address: Option<Address>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<User>,
    pub(super) key_file: Option<SshFile>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) known_hosts: Option<SshFile>,
    pub(super) timezone: Option<Zone>,
    pub(super) journals: Option<JournalFolder>,
}

const PORT: u16 = 22;
const USER: &str = "root";
const JOURNALS: &str = "/var/log/asterisk";

impl HostSettings {
    /// The host, with defaults for missing settings. An error is the rest of a sentence that begins with its table.
    fn host(&self, name: &HostName) -> Result<Host, &'static str> {
        let host_settings = self.clone();
        let enterprise = host_settings.enterprise;
        let enterprise =
            enterprise.ok_or("has no enterprise; add a line such as enterprise = \"0367\"")?;
        let address = host_settings
            .address
            .or_else(|| Address::parse(name.as_str()).ok());
        let login = match (host_settings.key_file, host_settings.password_file) {
            (Some(_), Some(_)) => {
                return Err("has both key_file and password_file; keep only one of them");
            }
            (None, Some(file)) => Login::Password(file),
            (key, None) => Login::Key(key),
        };
        Ok(Host {
            name: name.clone(),
            enterprise,
            address: address
                .ok_or("has no address, and its name is not an address; add address = \"...\"")?,
            port: host_settings.port.unwrap_or(PORT),
            user: host_settings
                .user
                .unwrap_or_else(|| User::parse(USER).expect("it is a user's name")),
            login,
            known_hosts: host_settings.known_hosts,
            timezone: host_settings.timezone,
            journals: host_settings
                .journals
                .unwrap_or_else(|| JournalFolder::parse(JOURNALS).expect("it is absolute")),
        })
    }
}

impl Settings {
    /// The hosts that keep journals, by name.
    ///
    /// # Errors
    /// A host without a required setting, or with two ways to log in.
    pub fn hosts(&self) -> Result<Vec<Host>, Error> {
        let host = |(name, host_settings): (&HostName, &HostSettings)| {
            host_settings.host(name).map_err(|wrong| {
                let mut lines = self.origins.all();
                let of_host = lines.find(|(at, _)| at[0] == "hosts" && at[1] == name.as_str());
                let place = of_host
                    .map(|(_, origin)| format!("{}:{}: ", origin.path.display(), origin.line));
                Error::Usage(format!(
                    "{}[hosts.{name}] {wrong}",
                    place.unwrap_or_default()
                ))
            })
        };
        self.host_settings.iter().map(host).collect()
    }
}
