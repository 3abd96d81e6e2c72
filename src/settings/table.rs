//! The table of all settings: name, default, environment variable, and how the value is stored. The reader of settings,
//! `calltrace config` and the documentation all use this table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use calltrace_alerts::CheckHours;
use calltrace_alerts::channels::Chat;
use calltrace_archive::{ArchiveUrl, Endpoint};
use calltrace_directory::{EnterpriseConfig, SecretSource};
use calltrace_hosts::{Address, HostName, JournalFolder, SshFile, User};
use calltrace_model::record::{LogZone, Zone};
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::records::Notation;
use calltrace_web::{PublicUrl, RecordingUrl, Recordings};
use toml::Value;

use super::Settings;
use super::checks::CheckSettings;
use super::hosts::HostSettings;
use super::row::SettingDefault::{Is, Not};
use super::row::{
    Problem, Setting, file, list, number, parsed, put, secret, switch, text, text_of,
};
use super::values::{
    parse_after, parse_credentials, parse_days, parse_fault_code, parse_host, parse_interval,
    parse_language, parse_length, parse_listen, parse_mode, parse_over, parse_region, parse_repeat,
    parse_rule, parse_size, parse_size_or_none, parse_timeout, parse_zone,
};

/// All settings, in the order of the documentation. rustfmt is off, because it would make seven lines or more of each.
#[rustfmt::skip]
pub static SETTINGS: &[Setting] = &[
    Setting::new("root", Is("'call_tracer'"), "folder that holds one folder per enterprise",
        |all, _, value| put(&mut all.root, folder(value))).over("CALLTRACE_ROOT").typed("--root"),
    Setting::new("log_timezone", Is("'UTC'"), "zone of the times of records",
        |all, _, value| put(&mut all.log_timezone, zone(value).map(LogZone))).over("CALLTRACE_LOG_TIMEZONE"),
    Setting::new("display_timezone", Not("zone of TZ or the system"), "zone of shown and typed times",
        |all, _, value| put(&mut all.display_timezone, zone(value))).over("CALLTRACE_DISPLAY_TIMEZONE").typed("--tz"),
    Setting::new("threads", Is("0"), "number of threads, up to 256; 0 for one per core",
        |all, _, value| put(&mut all.threads, number(value, 0..=256_u16))).over("CALLTRACE_THREADS").typed("--threads"),
    Setting::new("hyperlinks", Is("true"), "links from ids to the pages of calls, on terminals that support them",
        |all, _, value| put(&mut all.hyperlinks, switch(value))),

    Setting::new("rotate.keep", Is("'14d'"), "full days that are kept: 14d, 2w",
        |all, _, value| put(&mut all.rotate.keep_days, parsed(value, parse_days))),
    Setting::new("rotate.keep_tables", Is("'60d'"), "full days that tables of calls are kept: 60d, 8w",
        |all, _, value| put(&mut all.rotate.keep_tables_days, parsed(value, parse_days))),
    Setting::new("rotate.mode", Is("'auto'"), "how the live file is rotated: auto, archive, rename, collapse",
        |all, _, value| put(&mut all.rotate.mode, parsed(value, parse_mode))),
    Setting::new("rotate.max_size", Not("no limit"),
        "a larger live file is rotated on any day: 500MB, 2GiB",
        |all, _, value| put(&mut all.rotate.size_max, parsed(value, parse_size))),
    Setting::new("rotate.grace", Is("'60s'"),
        "without kernel leases: a file is sealed only if it was unchanged for this long",
        |all, _, value| put(&mut all.rotate.grace, parsed(value, parse_length))),
    Setting::new("rotate.verify", Is("'64MiB'"),
        "bytes of archives to compare with their indexes per run, at least one archive; \"0\" for none",
        |all, _, value| put(&mut all.rotate.verify_bytes, parsed(value, parse_size_or_none))),

    Setting::new("serve.listen", Is("'127.0.0.1:8026'"), "address and port of the pages",
        |all, _, value| put(&mut all.serve.listen, parsed(value, parse_listen))).over("CALLTRACE_LISTEN"),
    Setting::new("serve.public_url", Not("http:// and the address it listens on"),
        "address at which users reach the pages; links begin with it",
        |all, _, value| put(&mut all.serve.public_url, parsed(value, PublicUrl::parse))).over("CALLTRACE_PUBLIC_URL"),
    Setting::new("serve.trusted_proxies", Is("[]"), "proxies on other hosts with a trusted X-Forwarded-For",
        |all, _, value| put(&mut all.serve.connections.proxies, list(value, ADDRESSES, parse_host))),
    Setting::new("serve.lang", Is("'ru'"), "language if the browser asks for none: ru, en",
        |all, _, value| put(&mut all.serve.language, parsed(value, parse_language))),
    Setting::new("serve.request_timeout", Is("'30s'"), "time limit of a request, 1s to 10m",
        |all, _, value| put(&mut all.serve.limits.request, parsed(value, parse_timeout))),
    Setting::new("serve.max_connections", Is("512"), "maximum number of open connections, 1 to 60000",
        |all, _, value| put(&mut all.serve.connections.in_all, number(value, 1..=60_000_usize))),
    Setting::new("serve.recording_url", Not("no link to recordings"),
        "address of the recording of a call, with {unique_id} or {uuid} in place of the call's id",
        |all, _, value| put(&mut all.serve.recordings.template, parsed(value, RecordingUrl::parse))),
    Setting::new("serve.recording_hosts", Is("[]"), "hosts of recordings: an address on them in a record is the recording",
        |all, _, value| put(&mut all.serve.recordings.hosts, list(value, HOSTS, |host| Recordings::host(host.unwrap_or_default())))),
    Setting::new("serve.api_token", Not("only this host may use the API"), "token that opens the JSON API to other hosts",
        |all, _, value| put(&mut all.serve.api_token, given(value))).hidden(),
    Setting::new("serve.api_token_file", Not("only this host may use the API"), "file that holds api_token",
        |all, _, value| put(&mut all.serve.api_token, given_in_file(value))),
    Setting::new("serve.log_file", Not("stderr"), "file for the log of requests",
        |all, _, value| put(&mut all.serve.log_file, file(value))).over("CALLTRACE_LOG_FILE"),

    Setting::new("sync.listen", Not("no second listener"), "address and port of the API that starts synchronisation",
        |all, _, value| put(&mut all.sync.listen, parsed(value, parse_listen))),
    Setting::new("sync.interval", Not("only when asked"),
        "time between runs of synchronisation by serve, 1m to 24h; \"off\" for never",
        |all, _, value| put(&mut all.sync.interval, parsed(value, parse_interval))),
    Setting::new("sync.postgres_url", Not("no copies of calls"),
        "database that gets copies of calls: postgres://USER@HOST/DATABASE",
        |all, _, value| put(&mut all.sync.records.url, given(value))).address(),
    Setting::new("sync.postgres_url_file", Not("no copies of calls"), "file that holds postgres_url",
        |all, _, value| put(&mut all.sync.records.url, given_in_file(value))),
    Setting::new("sync.hosts_like", Not("the hosts of the settings alone"),
        "a host of the settings; the enterprises of that database have hosts that are reached as this one is",
        |all, _, value| put(&mut all.sync.hosts_like, parsed(value, HostName::parse).map(Some))),
    Setting::new("sync.words", Is("false"), "words instead of digits in calls.call_type and calls.call_status",
        |all, _, value| put(&mut all.sync.records.notation, switch(value).map(notation))),

    Setting::new("archive.url", Not("no object storage"), "bucket and prefix of shipped days: s3://BUCKET/PREFIX",
        |all, _, value| put(&mut all.archive.url, parsed(value, ArchiveUrl::parse))),
    Setting::new("archive.endpoint", Not("Amazon's, in the region"), "address of the store: https://HOST:PORT",
        |all, _, value| put(&mut all.archive.endpoint, parsed(value, Endpoint::parse))),
    Setting::new("archive.region", Not("us-east-1"), "region of the bucket",
        |all, _, value| put(&mut all.archive.region, parsed(value, parse_region))),
    Setting::new("archive.key_file", Not("access_key_file and secret_key_file"), "file that holds both keys: ACCESS_KEY:SECRET_KEY",
        |all, _, value| put(&mut all.archive.key, given_in_file(value))),
    Setting::new("archive.access_key_file", Not("key_file"), "file that holds the access key",
        |all, _, value| put(&mut all.archive.access_key, given_in_file(value))),
    Setting::new("archive.secret_key_file", Not("key_file"), "file that holds the secret key",
        |all, _, value| put(&mut all.archive.secret_key, given_in_file(value))),
    Setting::new("archive.credentials", Is("'files'"), "source of the keys: files, or instance for those that the cloud gives to the host",
        |all, _, value| put(&mut all.archive.credentials, parsed(value, parse_credentials))),
    Setting::new("archive.cache", Not("calltrace in the user's folder of caches"), "folder that keeps parts of shipped days that were read",
        |all, _, value| put(&mut all.archive.cache, folder(value))),
    Setting::new("archive.cache_bytes", Is("'1GiB'"), "size of the cache: 500MB, 10GiB; \"0\" for none",
        |all, _, value| put(&mut all.archive.cache_bytes, parsed(value, parse_size_or_none))),
    Setting::new("archive.request_timeout", Is("'10s'"), "time limit of one request to the store, 1s to 10m",
        |all, _, value| put(&mut all.archive.request_timeout, parsed(value, parse_timeout))),
    Setting::new("archive.allow_http", Is("false"), "whether keys and logs may go to another host without TLS",
        |all, _, value| put(&mut all.archive.allow_http, switch(value))),

    Setting::new("archive.keep", Not("shipped days are kept for ever"), "full days that shipped days are kept: 365d, 52w",
        |all, _, value| put(&mut all.ship.keep_days, parsed(value, parse_days))),

    Setting::new("ship.keep_local", Not("calltrace rotate removes them"),
        "full days that local files of shipped days are kept: 3d, 2w",
        |all, _, value| put(&mut all.ship.keep_local_days, parsed(value, parse_days))),

    Setting::new("enterprises.NUMBER.name", Not("its number"), "what people call the enterprise",
        |all, names, value| put(&mut enterprise(all, names).title, name(value))),
    Setting::new("enterprises.NUMBER.secret", Not("its pages are closed"),
        "token that opens the enterprise's pages and signs its links; at least 16 random characters",
        |all, names, value| put(&mut enterprise(all, names).secret, given(value))).hidden(),
    Setting::new("enterprises.NUMBER.secret_file", Not("its pages are closed"), "file that holds secret",
        |all, names, value| put(&mut enterprise(all, names).secret, given_in_file(value))),

    Setting::new("enterprises.NUMBER.extensions.EXTENSION", Not("the extension"), "name of the person with this extension",
        |all, names, value| put_name(&mut enterprise(all, names).extensions, names, value)),

    Setting::new("enterprises.NUMBER.lines.LINE", Not("the line"), "what people call the line",
        |all, names, value| put_name(&mut enterprise(all, names).lines, names, value)),

    Setting::new("hosts.NAME.enterprise", Not("it is required"), "folder name of the enterprise that the host sends events for",
        |all, names, value| put(&mut host(all, names).enterprise, parsed(value, parse_enterprise))),
    Setting::new("hosts.NAME.address", Not("its name"), "host name or IP address",
        |all, names, value| put(&mut host(all, names).address, parsed(value, Address::parse))),
    Setting::new("hosts.NAME.port", Not("22"), "port of its ssh server, 1 to 65535",
        |all, names, value| put(&mut host(all, names).port, number(value, 1..=u16::MAX))),
    Setting::new("hosts.NAME.user", Not("root"), "user to log in as",
        |all, names, value| put(&mut host(all, names).user, parsed(value, User::parse))),
    Setting::new("hosts.NAME.key_file", Not("the keys that ssh finds itself"), "private key to log in with, without a passphrase",
        |all, names, value| put(&mut host(all, names).key_file, parsed(value, SshFile::parse))),
    Setting::new("hosts.NAME.password_file", Not("only keys"), "file that holds the password to log in with, instead of a key",
        |all, names, value| put(&mut host(all, names).password_file, password_file(value))),
    Setting::new("hosts.NAME.known_hosts", Not("those that ssh knows"), "file with the keys of hosts",
        |all, names, value| put(&mut host(all, names).known_hosts, parsed(value, SshFile::parse))),
    Setting::new("hosts.NAME.timezone", Not("the host's current offset from UTC"), "time zone of its journals",
        |all, names, value| put(&mut host(all, names).timezone, zone(value))),
    Setting::new("hosts.NAME.journals", Not("/var/log/asterisk"), "folder of its journals",
        |all, names, value| put(&mut host(all, names).journals, parsed(value, JournalFolder::parse))),

    Setting::new("check.CHECK.name", Not("the name of its rule"), "name of the check: letters, digits, _ and -",
        |all, names, value| text(value).map(|_| { check(all, names); })),
    Setting::new("check.CHECK.rule", Not("it is required"), "the rule that is checked, such as missed_share",
        |all, names, value| put(&mut check(all, names).rule, parsed(value, parse_rule))),
    Setting::new("check.CHECK.enterprises", Not("all enterprises"), "the enterprises that are checked",
        |all, names, value| put(&mut check(all, names).enterprises, list(value, ENTERPRISES, |one| parse_enterprise(one.unwrap_or_default())))),
    Setting::new("check.CHECK.hours", Not("all hours"), "when it is checked: 09:00-18:00, mon-fri 09:00-18:00",
        |all, names, value| put(&mut check(all, names).hours, parsed(value, CheckHours::parse))),
    Setting::new("check.CHECK.timezone", Not("display_timezone"), "time zone of its hours and days",
        |all, names, value| put(&mut check(all, names).timezone, zone(value))),
    Setting::new("check.CHECK.after", Not("it depends on the rule"), "how long something must last: 60m, 4h",
        |all, names, value| put(&mut check(all, names).after, parsed(value, parse_after))),
    Setting::new("check.CHECK.calls", Not("it depends on the rule"), "least number of calls, requests or events to judge by, 5 to 100000",
        |all, names, value| put(&mut check(all, names).calls, number(value, 5..=100_000_u32))),
    Setting::new("check.CHECK.percent", Not("it depends on the rule"), "share that is too high, 1 to 99",
        |all, names, value| put(&mut check(all, names).percent, number(value, 1..=99_u32))),
    Setting::new("check.CHECK.times", Not("2"), "how many times the usual share is too high, 2 to 100",
        |all, names, value| put(&mut check(all, names).times, number(value, 2..=100_u32))),
    Setting::new("check.CHECK.over", Not("5s"), "how long 95 percent of requests may take: 5s",
        |all, names, value| put(&mut check(all, names).over, parsed(value, parse_over))),
    Setting::new("check.CHECK.faults", Not("message_not_sent, wrong_number, request_failed"), "faults of calls that count",
        |all, names, value| put(&mut check(all, names).faults, list(value, FAULTS, |one| parse_fault_code(one.unwrap_or_default())))),

    Setting::new("notify.state", Is("'/var/lib/calltrace/check.json'"), "file in which calltrace check keeps what it found and told",
        |all, _, value| put(&mut all.notify.state, file(value))),
    Setting::new("notify.repeat", Is("'4h'"), "after this time what still fires is told again, 5m to 7d; \"off\" for never",
        |all, _, value| put(&mut all.notify.repeat, parsed(value, parse_repeat))),
    Setting::new("notify.lang", Is("'ru'"), "language of messages: ru, en",
        |all, _, value| put(&mut all.notify.language, parsed(value, parse_language))),
    Setting::new("notify.telegram.token", Not("no messages in Telegram"), "token of the bot that sends messages",
        |all, _, value| put(&mut all.notify.channels.telegram.token, given(value))).hidden(),
    Setting::new("notify.telegram.token_file", Not("no messages in Telegram"), "file that holds token",
        |all, _, value| put(&mut all.notify.channels.telegram.token, given_in_file(value))),
    Setting::new("notify.telegram.chats", Is("[]"), "chats that get messages: numbers, or names of public ones",
        |all, _, value| put(&mut all.notify.channels.telegram.chats, list(value, CHATS, |chat| Chat::parse(chat.unwrap_or_default())))),
    Setting::new("notify.telegram.api_url", Not("https://api.telegram.org"), "address of another server of Telegram's Bot API",
        |all, _, value| put(&mut all.notify.channels.telegram.api_url, secret(value))).address(),
    Setting::new("notify.webhook.url", Not("no webhook"), "address that messages are posted to, as JSON",
        |all, _, value| put(&mut all.notify.channels.webhook.url, given(value))).address(),
    Setting::new("notify.webhook.url_file", Not("no webhook"), "file that holds url",
        |all, _, value| put(&mut all.notify.channels.webhook.url, given_in_file(value))),
    Setting::new("notify.webhook.authorization", Not("no such header"), "value of the header Authorization",
        |all, _, value| put(&mut all.notify.channels.webhook.authorization, given(value))).hidden(),
    Setting::new("notify.webhook.authorization_file", Not("no such header"), "file that holds authorization",
        |all, _, value| put(&mut all.notify.channels.webhook.authorization, given_in_file(value))),
    Setting::new("notify.webhook.mask_phones", Is("false"), "only the last two digits of clients' numbers",
        |all, _, value| put(&mut all.notify.channels.webhook.mask_phones, switch(value))),
    Setting::new("notify.alertmanager.url", Not("no Alertmanager"), "address of Alertmanager: http://HOST:PORT",
        |all, _, value| put(&mut all.notify.channels.alertmanager.url, secret(value))).address(),
    Setting::new("notify.alertmanager.mask_phones", Is("false"), "only the last two digits of clients' numbers",
        |all, _, value| put(&mut all.notify.channels.alertmanager.mask_phones, switch(value))),

    Setting::new("people.CHAT", Not("the chat's number"), "name of the person with this Telegram chat number",
        |all, names, value| put_name(&mut all.directory.people, names, value)),

    Setting::new("postgres.url", Not("no database"),
        "database with secrets and names, read only: postgres://USER@HOST/DATABASE",
        |all, _, value| put(&mut all.directory.postgres.url, given(value))).address(),
    Setting::new("postgres.url_file", Not("no database"), "file that holds url",
        |all, _, value| put(&mut all.directory.postgres.url, given_in_file(value))),
    // Each connection costs the database a process.
    Setting::new("postgres.pool", Is("4"), "connections to the database, 1 to 32",
        |all, _, value| put(&mut all.directory.postgres.pool, number(value, 1..=32_u8))),

    Setting::new("metadata.url", Not("no service"),
        "service with names by line and extension: http://HOST:PORT",
        |all, _, value| put(&mut all.directory.metadata, secret(value))).address(),
];

/// Whether a part of a setting's name is chosen by the user.
pub(super) fn is_chosen(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Checks a name in the place of the part `chosen`; a part that the user does not choose is always valid.
pub(super) fn check_name(chosen: &str, typed: &str) -> Result<(), Problem> {
    let (is_right, hint) = match chosen {
        "NUMBER" => (EnterpriseName::new(typed).is_some(), ENTERPRISE),
        "EXTENSION" | "LINE" => (
            !matches!(typed, "secret" | "secret_file"),
            "a secret belongs into the table of the enterprise, not among the names",
        ),
        "CHECK" => (is_check(typed), CHECK),
        "NAME" => return Ok(HostName::parse(typed).map(drop)?),
        "CHAT" => (
            is_chat(typed),
            "a person is named by the number of a Telegram chat, as in 100000001 = \"Анна\"",
        ),
        _ => return Ok(()),
    };
    match is_right {
        true => Ok(()),
        false => Err(Problem::from(hint.to_owned())),
    }
}

fn is_chat(typed: &str) -> bool {
    let digits = typed.strip_prefix('-').unwrap_or(typed);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_check(typed: &str) -> bool {
    let is_right = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    !typed.is_empty() && typed.len() <= 60 && typed.bytes().all(is_right)
}

impl Setting {
    /// The setting with these names.
    pub fn of(names: &[impl AsRef<str>]) -> Option<&'static Setting> {
        Setting::below(names).find(|setting| setting.names().len() == names.len())
    }

    /// The settings with these names or in the table with these names.
    pub(super) fn below(names: &[impl AsRef<str>]) -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().filter(move |setting| {
            let own = setting.names();
            let mut pairs = own.iter().zip(names);
            own.len() >= names.len()
                && pairs.all(|(own, name)| *own == name.as_ref() || is_chosen(own))
        })
    }

    /// The other of two settings with the same meaning, such as `secret` and `secret_file`: the one that is set later
    /// replaces the other.
    pub(super) fn alternative(&self) -> Option<&'static Setting> {
        let is_file_of = |file: &str, name: &str| file.strip_suffix("_file") == Some(name);
        SETTINGS
            .iter()
            .find(|other| is_file_of(other.name, self.name) || is_file_of(self.name, other.name))
    }

    /// Whether its value is the name of a file that holds a secret.
    pub fn names_a_secret(&self) -> bool {
        let has_no_alternative = matches!(
            self.name,
            "hosts.NAME.key_file"
                | "hosts.NAME.password_file"
                | "archive.key_file"
                | "archive.access_key_file"
                | "archive.secret_key_file"
        );
        has_no_alternative || self.name.ends_with("_file") && self.alternative().is_some()
    }

    /// Whether the user chooses one of its names.
    pub fn is_chosen(&self) -> bool {
        self.names().into_iter().any(is_chosen)
    }
}

const ENTERPRISE: &str = "an enterprise has the name of its folder: letters, digits, _ and -";
const CHECK: &str = "the name of a check has letters, digits, _ and -, such as lost-calls";
const ENTERPRISES: &str = "a list of enterprises, such as [\"0367\"]";
const FAULTS: &str = "a list of faults, such as [\"wrong_number\"]";
const ADDRESSES: &str = "a list of addresses, such as [\"10.0.0.5\"]";
const CHATS: &str = "a list of chats, such as [\"-1001234567890\"]";
const HOSTS: &str = "a list of hosts, such as [\"rec.example.org\"]";

fn folder(value: &Value) -> Result<PathBuf, Problem> {
    let what = "a folder, in quotes";
    match text_of(value, what)? {
        name if name.is_empty() || name.contains('\0') => Err(Problem::must_be(what)),
        name => Ok(PathBuf::from(name)),
    }
}

fn zone(value: &Value) -> Result<Zone, Problem> {
    Ok(parse_zone(text_of(value, "a time zone, in quotes")?)?)
}

fn notation(words: bool) -> Notation {
    match words {
        true => Notation::Words,
        false => Notation::Digits,
    }
}

fn given(value: &Value) -> Result<SecretSource, Problem> {
    secret(value).map(SecretSource::Here)
}

fn given_in_file(value: &Value) -> Result<SecretSource, Problem> {
    file(value).map(SecretSource::File)
}

fn enterprise<'s>(all: &'s mut Settings, names: &[&str]) -> &'s mut EnterpriseConfig {
    let number = EnterpriseName::new(names[1]).expect("a chosen name was looked at");
    all.directory.enterprises.entry(number).or_default()
}

fn host<'s>(all: &'s mut Settings, names: &[&str]) -> &'s mut HostSettings {
    let name = HostName::parse(names[1]).expect("a chosen name was looked at");
    all.host_settings.entry(name).or_default()
}

fn check<'s>(all: &'s mut Settings, names: &[&str]) -> &'s mut CheckSettings {
    all.check_settings.entry(names[1].to_owned()).or_default()
}

fn parse_enterprise(typed: &str) -> Result<EnterpriseName, String> {
    EnterpriseName::new(typed).ok_or_else(|| ENTERPRISE.to_owned())
}

/// The name of a file that holds a password. The user may have written the password itself, so only an absolute path
/// is accepted, and the value is never shown.
fn password_file(value: &Value) -> Result<PathBuf, Problem> {
    let path = file(value)?;
    match path.is_absolute() {
        true => Ok(path),
        false => Err(Problem::must_be(
            "the absolute path of a file, not the password itself",
        )),
    }
}

/// A name; `None` for a blank one.
fn name(value: &Value) -> Result<Option<String>, Problem> {
    let name = text(value)?.to_owned();
    Ok(Some(name).filter(|name| !name.trim().is_empty()))
}

/// Stores a name under the last of `names`.
fn put_name(
    known: &mut BTreeMap<String, String>,
    names: &[&str],
    value: &Value,
) -> Result<(), Problem> {
    let id = names.last().expect("a setting has a name");
    known.insert((*id).to_owned(), text(value)?.to_owned());
    Ok(())
}
