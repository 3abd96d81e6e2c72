//! The fingerprints of a host's keys, which people compare at the first contact.

use std::process::Stdio;
use std::time::Duration;

use calltrace_model::record::text;
use calltrace_model::sanitise::sanitise;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::super::error::{HostError, HostErrorKind};
use super::super::host::Host;
use super::subject;

/// The keys of a host are shorter in all (bytes).
const KEYS_BYTES_MAX: u64 = 64 * 1024;

/// A host has one key of each of a few kinds.
const KEYS_MAX: usize = 8;

/// The error of a host with an unknown key: its fingerprints, and how to accept one. No key is accepted here, because
/// an attacker in the host's place would answer as well.
pub(crate) async fn name_fingerprints(host: &Host, wait: Duration) -> HostError {
    let asked = timeout(wait, fingerprints(host, wait)).await;
    let fingerprints = asked.ok().flatten().unwrap_or_default();
    let described = match fingerprints.as_slice() {
        [] => "and it does not say its fingerprints".to_owned(),
        some => format!("its fingerprints are {}", some.join(", ")),
    };
    let what = format!(
        "its key is not known, {described}. Compare one of them with what ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub \
         prints on the host; then accept it with: ssh-keyscan -p {} -- {} >> {}",
        host.port,
        host.address,
        known_hosts_file(host)
    );
    HostError::new(
        HostErrorKind::HostKeyUnknown { fingerprints },
        &subject(host),
        what,
    )
}

/// The file for a key of the host, as a word of the shell.
pub(super) fn known_hosts_file(host: &Host) -> String {
    match &host.known_hosts {
        None => "~/.ssh/known_hosts".to_owned(),
        Some(file) => format!("'{}'", file.as_str().replace('\'', r"'\''")),
    }
}

/// Such as `SHA256:... (ED25519)`; `None` if they cannot be read.
async fn fingerprints(host: &Host, wait: Duration) -> Option<Vec<String>> {
    let mut scan = Command::new("ssh-keyscan");
    let seconds = wait.as_secs().max(1).to_string();
    scan.args([
        "-T",
        &seconds,
        "-p",
        &host.port.to_string(),
        "--",
        host.address.as_str(),
    ]);
    let keys = output(scan, &[]).await?;
    let mut print = Command::new("ssh-keygen");
    print.args(["-l", "-f", "-"]);
    let printed = output(print, &keys).await?;
    let line = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (print, kind) = (words.next()?, words.last()?);
        print
            .starts_with("SHA256:")
            .then(|| sanitise(format!("{print} {kind}").as_bytes()).into_owned())
    };
    Some(
        text(&printed)
            .lines()
            .filter_map(line)
            .take(KEYS_MAX)
            .collect(),
    )
}

/// The beginning of a program's output.
async fn output(mut command: Command, input: &[u8]) -> Option<Vec<u8>> {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.kill_on_drop(true).spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    stdin.write_all(input).await.ok()?;
    drop(stdin);
    let mut printed = Vec::new();
    child
        .stdout
        .take()?
        .take(KEYS_BYTES_MAX)
        .read_to_end(&mut printed)
        .await
        .ok()?;
    Some(printed)
}
