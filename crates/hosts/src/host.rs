//! A host of the settings. Each part is checked when it is parsed, because it becomes an argument of ssh or a word of
//! a shell on the host.

use std::fmt;
use std::path::{Path, PathBuf};

use calltrace_model::record::Zone;
use calltrace_store::tree::EnterpriseName;

/// A host that keeps journals, and how to log in to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name in the settings.
    pub name: HostName,
    /// The enterprise that its events belong to.
    pub enterprise: EnterpriseName,
    /// Its address.
    pub address: Address,
    /// Port of its ssh server, 1 or more.
    pub port: u16,
    /// The user that logs in.
    pub user: User,
    /// How the user logs in.
    pub login: Login,
    /// File with the keys of hosts; `None` for the files that ssh uses itself, of the user and of the system.
    pub known_hosts: Option<SshFile>,
    /// Zone of the times in its journals; `None` for the offset from UTC that the host has now.
    pub timezone: Option<Zone>,
    /// The folder of its journals.
    pub journals: JournalFolder,
}

/// How a user logs in to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// With the key in this file; `None` for the keys that ssh finds itself, including an agent's.
    Key(Option<SshFile>),
    /// With the password in this file, which is its only line.
    Password(PathBuf),
}

/// Why a text was refused: the rest of a sentence that begins with the name of the part.
type NotOfForm = String;

/// A text that was checked for the form of its type.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident, $fits:expr, $is:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses a text of this form.
            ///
            /// # Errors
            /// The expected form, for any other text.
            pub fn parse(text: &str) -> Result<$name, NotOfForm> {
                let fits: fn(&str) -> bool = $fits;
                match fits(text) {
                    true => Ok($name(text.to_owned())),
                    false => Err($is.to_owned()),
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str(&self.0)
            }
        }
    };
}

form!(
    /// The name of a host in the settings: 1 to 64 letters, digits, `_`, `-` and `.`, starting with a letter or a
    /// digit.
    HostName,
    |text| is_word(text, 64, "_-."),
    "a host is named in letters, digits, _, - and ., as in [hosts.pbx-0367]"
);

form!(
    /// A host name or an IP address.
    Address,
    |text| text.starts_with("::") && is_word(&text[2..], 251, ".:%-_") || is_word(text, 253, ".:%-_"),
    "an address is a host name or an IP address, without a user or a port"
);

form!(
    /// Name of a user on a host: 1 to 32 letters, digits, `_`, `-` and `.`.
    User,
    |text| text.starts_with('_') && is_word(&text[1..], 31, "_-.") || is_word(text, 32, "_-."),
    "a user is named in letters, digits, _, - and ."
);

form!(
    /// Absolute path of a folder on a host.
    JournalFolder,
    |text| text.starts_with('/') && is_path(text),
    "the folder of journals is an absolute path, such as /var/log/asterisk"
);

form!(
    /// Absolute path of a file for an option of ssh, without the characters that ssh would expand.
    SshFile,
    |text| text.starts_with('/') && is_path(text) && !text.contains(['"', '\\', '$']),
    "ssh takes an absolute path here, without quotes, backslashes and dollar signs"
);

impl SshFile {
    /// The text as a path.
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

/// Whether it has at most `most` letters, digits and these characters, and starts with a letter or a digit.
fn is_word(text: &str, most: usize, signs: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    text.len() <= most
        && text.starts_with(is_plain)
        && text.chars().all(|c| is_plain(c) || signs.contains(c))
}

/// Whether it can be a path on a system and fits into one line.
fn is_path(text: &str) -> bool {
    text.len() < 4096 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ssh_could_take_for_an_option_or_a_command_are_refused() {
        for address in [
            "-oProxyCommand=x",
            "",
            "a b",
            "a;b",
            "root@a",
            "a/b",
            "$(a)",
            "a\nb",
            "[::1]",
        ] {
            assert!(Address::parse(address).is_err(), "{address:?}");
        }
        for address in [
            "10.0.0.5",
            "pbx.example.org",
            "::1",
            "fe80::1%eth0",
            "xn--a",
        ] {
            assert!(Address::parse(address).is_ok(), "{address:?}");
        }
        for user in ["-l", "", "a b", "a'b", "a@b", "u".repeat(33).as_str()] {
            assert!(User::parse(user).is_err(), "{user:?}");
        }
        for user in ["root", "_asterisk", "a.b-c"] {
            assert!(User::parse(user).is_ok(), "{user:?}");
        }
        for name in ["", "-", "-a", "../a", ".a", "a b", "ы"] {
            assert!(HostName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn paths_are_absolute_and_of_one_line() {
        for path in ["", "log", "~/x", "/a\nb", "/a\0"] {
            assert!(JournalFolder::parse(path).is_err(), "{path:?}");
            assert!(SshFile::parse(path).is_err(), "{path:?}");
        }
        assert!(JournalFolder::parse("/it's \"$HOME\" `x`").is_ok());
        assert!(SshFile::parse("/etc/ssh/${HOME}").is_err());
        assert!(SshFile::parse("/etc/calltrace/secrets/host 1.key").is_ok());
    }
}
