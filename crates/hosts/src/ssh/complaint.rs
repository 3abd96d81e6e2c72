//! Explains the error output of ssh, and what to do about it.

use calltrace_model::record::text;
use calltrace_model::sanitise::sanitise;

use super::super::error::{HostError, HostErrorKind};
use super::super::host::{Host, Login};
use super::fingerprint::known_hosts_file;
use super::subject;

/// The longest complaint that is shown (characters).
const CHARS_MAX: usize = 300;

/// The error when ssh ended without an answer of the host; `complaints` is its error output.
pub(crate) fn explain(host: &Host, complaints: &[u8]) -> HostError {
    let complaints = text(complaints);
    let says = |words: &[&str]| words.iter().any(|word| complaints.contains(word));
    let last = last_line(&complaints);
    let (kind, what) = if says(&["HOST IDENTIFICATION HAS CHANGED"]) {
        (HostErrorKind::HostKeyChanged, changed(host, &complaints))
    } else if says(&["host key is known for", "Host key verification failed"]) {
        let fingerprints = Vec::new();
        (
            HostErrorKind::HostKeyUnknown { fingerprints },
            "its key is not known".to_owned(),
        )
    } else if says(&["ssh_askpass: exec("]) {
        let what = format!("the program that tells ssh the password does not start: {last}");
        (HostErrorKind::Local, what)
    } else if says(&[
        "Permission denied",
        "Too many authentication failures",
        "No supported authentication methods",
    ]) {
        refused(host, &complaints)
    } else if says(&["timed out"]) {
        (
            HostErrorKind::TimedOut,
            format!("no connection in time: {last}"),
        )
    } else if last.is_empty() {
        let what = "ssh ended without an answer and without a reason; try the same login by hand"
            .to_owned();
        (HostErrorKind::Broken, what)
    } else if is_of_connection(&complaints) {
        let what =
            format!("no connection: {last}; check address and port, and that its ssh server runs");
        (HostErrorKind::Unreachable, what)
    } else {
        (
            HostErrorKind::Broken,
            format!("no answer of the script: {last}"),
        )
    };
    HostError::new(kind, &subject(host), what)
}

fn is_of_connection(complaints: &str) -> bool {
    let words = [
        "Connection refused",
        "Connection closed",
        "Connection reset",
        "No route to host",
        "Network is unreachable",
        "Could not resolve hostname",
        "kex_exchange_identification",
        "Unable to negotiate",
        "Broken pipe",
    ];
    words.iter().any(|word| complaints.contains(word))
}

fn refused(host: &Host, complaints: &str) -> (HostErrorKind, String) {
    let user = &host.user;
    match &host.login {
        Login::Password(file) => {
            let file = file.display();
            let what = format!(
                "it refused the password of {user} in {file}, which was tried once; correct it there"
            );
            (HostErrorKind::PasswordRefused, what)
        }
        Login::Key(key) => {
            let key = key
                .as_ref()
                .map_or("the keys of this user".to_owned(), |key| {
                    format!("the key {key}")
                });
            let unusable = complaints.lines().find(|line| line.starts_with("Load key"));
            let what = match unusable {
                Some(line) => format!("{key} can't be used: {}", shown(line)),
                None => format!(
                    "it refused {key}; the public part belongs into authorized_keys of {user} there"
                ),
            };
            (HostErrorKind::KeyRefused, what)
        }
    }
}

fn changed(host: &Host, complaints: &str) -> String {
    let mut words = complaints.split_whitespace();
    let now = words.find(|word| word.starts_with("SHA256:"));
    let now = now.map_or("another one".to_owned(), |word| {
        shown(word.trim_end_matches('.'))
    });
    let known = complaints
        .lines()
        .find_map(|line| line.strip_prefix("Offending ")?.split_once(" in "));
    let known = known.map_or_else(|| known_hosts_file(host), |(_, place)| shown(place.trim()));
    let name = match host.port {
        22 => host.address.to_string(),
        port => format!("[{}]:{port}", host.address),
    };
    format!(
        "its key has changed: {known} knows another one, and it has {now}. Somebody may stand in for it. Ask who runs \
         the host; if it was installed anew, forget the old key with: ssh-keygen -R '{name}' -f {}",
        known_hosts_file(host)
    )
}

/// The last line of ssh's error output, made safe for display.
fn last_line(complaints: &str) -> String {
    let last = complaints
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    last.map(shown).unwrap_or_default()
}

fn shown(line: &str) -> String {
    let short: String = line.trim().chars().take(CHARS_MAX).collect();
    sanitise(short.as_bytes()).into_owned()
}
