//! Runs the system's ssh: its arguments and its errors.

mod complaint;
mod fingerprint;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use calltrace_store::error::reason;
use tokio::process::Command;

use super::askpass;
use super::error::{HostError, HostErrorKind};
use super::host::{Host, Login, SshFile};

pub(crate) use complaint::explain;
pub(crate) use fingerprint::name_fingerprints;

/// The options for every host. ssh forwards nothing, runs no local command, does not change the files of known hosts
/// and does not share connections of other processes. The user's own settings of ssh apply as well, for example for
/// proxies.
const OPTIONS: [&str; 12] = [
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ControlMaster=no",
    "ControlPath=none",
    "NumberOfPasswordPrompts=1",
    "Compression=yes",
    "LogLevel=ERROR",
];

/// The program that answers ssh's question for a password; `None` for this program.
type Answerer<'p> = Option<&'p Path>;

/// The ssh command that logs in to the host and runs a shell there, which reads its commands from its standard input.
///
/// # Errors
/// When the key or the password cannot be used.
pub(crate) fn command(
    host: &Host,
    connect: Duration,
    answerer: Answerer<'_>,
) -> Result<Command, HostError> {
    let mut command = Command::new("ssh");
    // The error output is parsed.
    command.env("LC_ALL", "C").env_remove(askpass::VARIABLE);
    command
        .args(["-T", "-e", "none", "-l", host.user.as_str(), "-p"])
        .arg(host.port.to_string());
    let mut option = |text: OsString| {
        command.arg("-o").arg(text);
    };
    for text in OPTIONS {
        option(text.into());
    }
    option(format!("ConnectTimeout={}", connect.as_secs().max(1)).into());
    if let Some(file) = &host.known_hosts {
        option(file_option("UserKnownHostsFile", file));
        option("GlobalKnownHostsFile=/dev/null".into());
    }
    match &host.login {
        Login::Key(key) => {
            option("BatchMode=yes".into());
            option("PreferredAuthentications=publickey".into());
            if let Some(key) = key {
                check_key(host, key)?;
                option(file_option("IdentityFile", key));
                option("IdentitiesOnly=yes".into());
            }
        }
        Login::Password(file) => {
            askpass::read_password(file).map_err(|wrong| {
                let what = format!(
                    "its password_file {} can't be used: {wrong}",
                    file.display()
                );
                HostError::new(HostErrorKind::Local, &subject(host), what)
            })?;
            option("BatchMode=no".into());
            option("PubkeyAuthentication=no".into());
            option("PreferredAuthentications=password,keyboard-interactive".into());
            let answerer = answerer.map_or_else(std::env::current_exe, |path| Ok(path.to_owned()));
            let answerer = answerer.map_err(|error| {
                let what = format!(
                    "the program that tells ssh the password is not known: {}",
                    reason(&error)
                );
                HostError::new(HostErrorKind::Local, &subject(host), what)
            })?;
            command
                .env("SSH_ASKPASS", answerer)
                .env("SSH_ASKPASS_REQUIRE", "force");
            command.env(askpass::VARIABLE, file);
        }
    }
    command.args(["--", host.address.as_str(), "sh"]);
    Ok(command)
}

/// The host as errors name it.
pub(crate) fn subject(host: &Host) -> String {
    format!(
        "host {} ({}@{}, port {})",
        host.name, host.user, host.address, host.port
    )
}

/// A file in quotes, without the characters that ssh would expand.
fn file_option(name: &str, file: &SshFile) -> OsString {
    format!("{name}=\"{}\"", file.as_str().replace('%', "%%")).into()
}

/// Checks that the key can be read. ssh continues without a key that it cannot read, and then reports only that it was
/// refused.
fn check_key(host: &Host, key: &SshFile) -> Result<(), HostError> {
    let wrong = File::open(key.path()).err();
    wrong.map_or(Ok(()), |error| {
        let what = format!("its key_file {key} can't be used: {}", reason(&error));
        Err(HostError::new(HostErrorKind::Local, &subject(host), what))
    })
}
