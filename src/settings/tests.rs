//! The values that files may set and their effects, setting by setting.

use std::path::Path;
use std::time::Duration;

use calltrace_directory::{Config, PostgresConfig};
use calltrace_hosts::Login;
use calltrace_upkeep::rotate::Mode;
use calltrace_web::{ConnectionLimits, RecordingUrl, RequestLimits};

use super::table::{check_name, is_chosen};
use super::*;

fn read_all(texts: &[&str]) -> Result<Settings, String> {
    let mut settings = Settings::defaults();
    for text in texts {
        let read = read::read(&mut settings, text, Path::new("config.toml"));
        read.map_err(|error| error.to_string())?;
    }
    Ok(settings)
}

fn read(text: &str) -> Result<Settings, String> {
    read_all(&[text])
}

/// Each line is TOML, `=>`, and what is expected of it: the line that it is on and the words. A ` / ` ends a
/// line of the TOML.
fn are_refused(cases: &str) {
    for case in cases.trim().lines() {
        let (toml, expected) = case.split_once(" => ").expect("two parts");
        let error = read(&toml.replace(" / ", "\n")).expect_err(case);
        assert_eq!(error, format!("config.toml:{expected}"), "{case}");
    }
}

#[test]
fn documented_defaults_are_the_defaults() {
    let defaults = Settings::defaults();
    assert_eq!(defaults.root, Path::new("call_tracer"));
    assert_eq!(defaults.log_timezone, LogZone::default());
    assert_eq!(defaults.threads, 0);
    assert_eq!(defaults.rotate, Policy::default());
    assert_eq!(defaults.rotate.size_max, None);
    assert_eq!(defaults.serve.listen.to_string(), "127.0.0.1:8026");
    assert_eq!(defaults.serve.language, Language::default());
    assert_eq!(defaults.serve.limits, RequestLimits::default());
    assert_eq!(defaults.serve.connections, ConnectionLimits::default());
    let pool = defaults.directory.postgres.pool;
    assert_eq!(pool, PostgresConfig::default().pool);
    assert!(defaults.directory.is_empty());
    assert_eq!(defaults.origins.all().count(), 0);
}

#[test]
fn every_row_occurs_once_and_every_chosen_name_has_a_rule() {
    for setting in SETTINGS {
        let found = Setting::of(&setting.names()).expect("it stands under its own names");
        assert_eq!(found.name, setting.name);
        for name in setting.names().into_iter().filter(|name| is_chosen(name)) {
            let wrong = ["secret", "-", ""].map(|typed| check_name(name, typed));
            assert!(wrong.iter().any(Result::is_err), "{name}");
        }
    }
}

#[test]
fn all_keys_are_read() {
    let settings = read(
        "root = \"/srv\"\nlog_timezone = \"utc\"\ndisplay_timezone = \"Europe/Minsk\"\nthreads = 2\n\
         [rotate]\nkeep = \"30d\"\nkeep_tables = \"9w\"\nmode = \"rename\"\nmax_size = \"500MB\"\ngrace = \"2m\"\n\
         verify = \"1GiB\"",
    );
    let settings = settings.expect("all of it is right");
    let rotate = Policy {
        keep_days: 30,
        keep_tables_days: 63,
        mode: Mode::Rename,
        size_max: Some(500_000_000),
        grace: Duration::from_secs(120),
        verify_bytes: 1 << 30,
        ..Policy::default()
    };
    assert_eq!(settings.rotate, rotate);
    assert_eq!(settings.root, Path::new("/srv"));
    assert_eq!(settings.log_timezone, LogZone(Zone::UTC));
    assert_eq!(
        settings.display_timezone,
        Some(Zone::named("Europe/Minsk").expect("a zone"))
    );
    assert_eq!(settings.threads, 2);
}

#[test]
fn all_settings_of_serve_are_read() {
    let settings = read(
        "[serve]\nlisten = \"0.0.0.0:80\"\npublic_url = \"https://bot.example.org/\"\n\
         trusted_proxies = [\"10.0.0.5\", \"::1\"]\nlang = \"en\"\n\
         request_timeout = \"20s\"\nmax_connections = 100\napi_token_file = \"token\"\n\
         log_file = \"/var/log/calltrace/serve.log\"\n\
         recording_url = \"https://rec.example.org/{unique_id}\"\n\
         recording_hosts = [\"rec.example.org\"]",
    );
    let wanted = ServeSettings {
        listen: "0.0.0.0:80".parse().expect("it is right"),
        public_url: Some(PublicUrl::parse("https://bot.example.org").expect("it is right")),
        language: Language::English,
        limits: RequestLimits {
            request: Duration::from_secs(20),
            ..RequestLimits::default()
        },
        connections: ConnectionLimits {
            in_all: 100,
            proxies: ["10.0.0.5", "::1"]
                .map(|it| it.parse().expect("right"))
                .into(),
            ..ConnectionLimits::default()
        },
        api_token: Some(SecretSource::File("token".into())),
        log_file: Some(PathBuf::from("/var/log/calltrace/serve.log")),
        recordings: Recordings {
            template: RecordingUrl::parse("https://rec.example.org/{unique_id}").ok(),
            hosts: vec!["rec.example.org".to_owned()],
        },
    };
    assert_eq!(settings.map(|settings| settings.serve), Ok(wanted));
}

#[test]
fn a_later_file_adds_and_wins_key_by_key() {
    let settings = read_all(&[
        "[enterprises.0367]\nname = \"june\"\nsecret = \"one\"\n\
         extensions = { 150 = \"Анна\", 151 = \"Борис\" }\n\
         [people]\n100000001 = \"Анна\"\n-100200 = \"Группа\"\n\
         [postgres]\nurl = \"postgres://a@localhost/b\"\npool = 2",
        "[enterprises.0367]\nsecret_file = \"secret\"\n\
         [enterprises.0367.extensions]\n151 = \"Вера\"\n\
         [enterprises.0367.lines]\n\"0001363\" = \"Линия 1\"\n\
         [postgres]\nurl_file = \"url\"\n[metadata]\nurl = \"http://localhost:8020\"",
    ]);
    let config: Config = settings.expect("all of it is right").directory;
    let known = config.enterprises.values().next().expect("0367");
    assert_eq!(known.title.as_deref(), Some("june"));
    assert!(matches!(&known.secret, Some(SecretSource::File(path)) if path == "secret"));
    let extensions = [("150", "Анна"), ("151", "Вера")];
    assert_eq!(
        known.extensions,
        extensions.map(|(id, name)| (id.into(), name.into())).into()
    );
    assert_eq!(known.lines["0001363"], "Линия 1");
    assert_eq!(config.people.len(), 2);
    assert_eq!(config.postgres.pool, 2);
    assert!(matches!(config.postgres.url, Some(SecretSource::File(_))));
    assert!(config.metadata.is_some() && config.knows_enterprises());
}

#[test]
fn an_unknown_key_names_the_nearest_right_one() {
    are_refused(
        r#"
log_timezon = "UTC" => 1: no setting "log_timezon"; did you mean log_timezone?
threads = -1 => 1: threads must be a number from 0 to 256
[rotate] / kep = "14d" => 2: no setting "kep" in [rotate]; did you mean keep?
[rotate] / mode = "colapse" => 2: rotate.mode: no mode "colapse"; did you mean collapse?
"#,
    );
    assert!(read("root = ").is_err());
}

#[test]
fn a_table_without_settings_is_refused() {
    are_refused(
        r#"
[weather] / url = "http://localhost:8020" => 1: no setting "weather"; there are root, log_timezone, display_timezone, threads, hyperlinks, rotate, serve, sync, archive, ship, enterprises, hosts, check, notify, people, postgres, metadata
"#,
    );
}

#[test]
fn a_value_of_another_kind_says_which_is_right() {
    are_refused(
        r#"
root = "" => 1: root must be a folder, in quotes
root = "a\u0000" => 1: root must be a folder, in quotes
[root] => 1: root must be a folder, in quotes
log_timezone = 3 => 1: log_timezone must be a time zone, in quotes
threads = 99999999999999999999 => 1: threads must be a number from 0 to 256
threads = "2" => 1: threads must be a number from 0 to 256
hyperlinks = "no" => 1: hyperlinks must be true or false
serve = 1 => 1: serve must be a table
[[rotate]] => 1: rotate must be a table
[rotate] / keep = 2025-11-30 => 2: rotate.keep must be in quotes
"#,
    );
    let settings = read("threads = 0x1_0\n[rotate]\nverify = \" 0 \"").expect("both are right");
    assert_eq!((settings.threads, settings.rotate.verify_bytes), (16, 0));
}

#[test]
fn a_wrong_setting_is_named_and_no_secret_is_shown() {
    are_refused(
        r#"
[enterprises.0367] / secrt = "s3cret" => 2: no setting "secrt" in [enterprises.0367]; did you mean secret?
[enterprises.0367] / secret = 5355 => 2: enterprises.0367.secret must be in quotes
[enterprises.0367] / secret = " " => 2: enterprises.0367.secret is empty
[enterprises.0367] / secret = "s3cret" / secret_file = "x" => 1: enterprises.0367 has both secret and secret_file; keep only one of them
[enterprises.0367] / lines = 5 => 2: enterprises.0367.lines must be a table
[enterprises.0367.lines] / 1 = 2 => 2: enterprises.0367.lines.1 must be in quotes
[enterprises.0367.lines] / secret = "s3cret" => 2: enterprises.0367.lines.secret: a secret belongs into the table of the enterprise, not among the names
[enterprises] / 0367 = "s3cret" => 2: enterprises.0367 must be a table
[enterprises."../x"] / name = "x" => 1: enterprises.../x: an enterprise has the name of its folder: letters, digits, _ and -
[people] / anna = "Анна" => 2: people.anna: a person is named by the number of a Telegram chat, as in 100000001 = "Анна"
[postgres] / pool = 0 => 2: postgres.pool must be a number from 1 to 32
[postgres] / host = "s3cret" => 2: no setting "host" in [postgres]; there are url, url_file, pool
[metadata] / url = "" => 2: metadata.url is empty
[metadata] / urll = "" => 2: no setting "urll" in [metadata]; did you mean url?
"#,
    );
}

#[test]
fn a_host_has_defaults_for_all_except_its_enterprise() {
    let settings = read(
        "[hosts.pbx]\nenterprise = \"0367\"\n[hosts.\"10.0.0.5\"]\nenterprise = \"0103\"\naddress = \"::1\"\n\
         port = 5059\nuser = \"asterisk\"\npassword_file = \"/p\"\nknown_hosts = \"/k\"\ntimezone = \"+03:00\"\n\
         journals = \"/j\"",
    );
    let hosts = settings
        .expect("both are right")
        .hosts()
        .expect("nothing is missing");
    let [set, defaults] = hosts.as_slice() else {
        panic!("{hosts:?}");
    };
    assert_eq!(
        (
            defaults.address.as_str(),
            defaults.port,
            defaults.user.as_str()
        ),
        ("pbx", 22, "root")
    );
    assert_eq!(
        (&defaults.login, &defaults.known_hosts, defaults.timezone),
        (&Login::Key(None), &None, None)
    );
    assert_eq!(
        (defaults.enterprise.as_str(), defaults.journals.as_str()),
        ("0367", "/var/log/asterisk")
    );
    assert_eq!(
        (set.address.as_str(), set.port, set.user.as_str()),
        ("::1", 5059, "asterisk")
    );
    assert_eq!(set.login, Login::Password("/p".into()));
    assert_eq!(set.timezone.map(Zone::name), Some("UTC+03:00"));
    assert_eq!(
        (set.enterprise.as_str(), set.journals.as_str()),
        ("0103", "/j")
    );
}

#[test]
fn a_wrong_setting_of_a_host_says_what_is_right_and_shows_no_password() {
    are_refused(
        r#"
[hosts.pbx] / adress = "a" => 2: no setting "adress" in [hosts.pbx]; did you mean address?
[hosts.pbx] / enterprise = 0 => 2: hosts.pbx.enterprise must be in quotes
[hosts.pbx] / enterprise = "../x" => 2: hosts.pbx.enterprise: an enterprise has the name of its folder: letters, digits, _ and -
[hosts.pbx] / address = "-oProxyCommand=id" => 2: hosts.pbx.address: an address is a host name or an IP address, without a user or a port
[hosts.pbx] / port = 0 => 2: hosts.pbx.port must be a number from 1 to 65535
[hosts.pbx] / user = "a b" => 2: hosts.pbx.user: a user is named in letters, digits, _, - and .
[hosts.pbx] / key_file = "id_rsa" => 2: hosts.pbx.key_file: ssh takes an absolute path here, without quotes, backslashes and dollar signs
[hosts.pbx] / password_file = "s3cret" => 2: hosts.pbx.password_file must be the absolute path of a file, not the password itself
[hosts.pbx] / password = "s3cret" => 2: no setting "password" in [hosts.pbx]; there are enterprise, address, port, user, key_file, password_file, known_hosts, timezone, journals
[hosts.pbx] / journals = "log" => 2: hosts.pbx.journals: the folder of journals is an absolute path, such as /var/log/asterisk
[hosts."-x"] / port = 1 => 1: hosts.-x: a host is named in letters, digits, _, - and ., as in [hosts.pbx-0367]
"#,
    );
    let wrong = |text: &str| {
        let settings = read(text).expect("each key is right");
        settings
            .hosts()
            .expect_err("something is missing")
            .to_string()
    };
    assert_eq!(
        wrong("threads = 1\n[hosts.pbx]\nport = 1"),
        "config.toml:3: [hosts.pbx] has no enterprise; add a line such as enterprise = \"0367\""
    );
    assert_eq!(
        wrong("[hosts.pbx]\nenterprise = \"1\"\nkey_file = \"/k\"\npassword_file = \"/p\""),
        "config.toml:2: [hosts.pbx] has both key_file and password_file; keep only one of them"
    );
}

#[test]
fn a_wrong_setting_of_archive_says_what_is_right() {
    are_refused(
        r#"
[archive] / uri = "s3://calls" => 2: no setting "uri" in [archive]; did you mean url?
[archive] / url = "calls" => 2: archive.url: it is like s3://bucket/prefix; the prefix is optional
[archive] / url = "s3://key:s3cret@calls/" => 2: archive.url: it is like s3://bucket/prefix; the prefix is optional
[archive] / endpoint = "http://key:s3cret@host" => 2: archive.endpoint: it is like https://s3.example.org or http://127.0.0.1:8333, without a path, user or password
[archive] / region = "eu central" => 2: archive.region: a region is like eu-central-1
[archive] / credentials = "environment" => 2: archive.credentials: no source of keys "environment"; there are files, instance
[archive] / cache_bytes = 5 => 2: archive.cache_bytes must be in quotes
[archive] / request_timeout = "0s" => 2: archive.request_timeout: it is from 1s to 10m
[archive] / allow_http = "yes" => 2: archive.allow_http must be true or false
"#,
    );
}

#[test]
fn a_wrong_setting_of_serve_says_what_is_right() {
    are_refused(
        r#"
[serve] / lisen = "1" => 2: no setting "lisen" in [serve]; did you mean listen?
[serve] / listen = 8026 => 2: serve.listen must be in quotes
[serve] / listen = "here" => 2: serve.listen: an address to listen on is like 127.0.0.1:8026, [::1]:8026 or 0.0.0.0:8026
[serve] / lang = "ur" => 2: serve.lang: no language "ur"; did you mean ru?
[serve] / trusted_proxies = ["proxy"] => 2: serve.trusted_proxies: "proxy" is not an IP address such as "10.0.0.5"
[serve] / log_file = "" => 2: serve.log_file is empty
[serve] / max_connections = 0 => 2: serve.max_connections must be a number from 1 to 60000
[serve] / recording_url = "https://rec.example.org/" => 2: serve.recording_url: it must hold {unique_id} or {uuid}, which the call's own replaces
[serve] / recording_hosts = ["https://rec.example.org"] => 2: serve.recording_hosts: one is like "rec.example.org"
[serve] / recording_hosts = [5] => 2: serve.recording_hosts: one is like "rec.example.org"
[serve] / recording_hosts = "rec.example.org" => 2: serve.recording_hosts: a list of hosts, such as ["rec.example.org"]
[serve] / api_token = " " => 2: serve.api_token is empty
[serve] / api_token = "a" / api_token_file = "b" => 1: serve has both api_token and api_token_file; keep only one of them
[serve] / request_timeout = "0s" => 2: serve.request_timeout: it is from 1s to 10m
"#,
    );
}

#[test]
fn a_wrong_setting_of_a_channel_says_what_is_right_and_shows_no_token() {
    are_refused(
        r#"
[notify.telegram] / token = "1:s3cret" / token_file = "b" => 1: notify.telegram has both token and token_file; keep only one of them
[notify.telegram] / tokn = "1:s3cret" => 2: no setting "tokn" in [notify.telegram]; did you mean token?
[notify.telegram] / token = 5 => 2: notify.telegram.token must be in quotes
[notify.telegram] / chats = "-100" => 2: notify.telegram.chats: a list of chats, such as ["-1001234567890"]
[notify.telegram] / chats = ["duty"] => 2: notify.telegram.chats: a chat is a number, such as -1001234567890, or the name of a public chat, such as @duty_office
[notify.webhook] / mask_phones = "yes" => 2: notify.webhook.mask_phones must be true or false
[notify.webhook] / url = "https://h/s3cret" / url_file = "b" => 1: notify.webhook has both url and url_file; keep only one of them
[notify.alertmanager] / url = "" => 2: notify.alertmanager.url is empty
"#,
    );
}

#[test]
fn the_line_of_a_setting_is_found_for_every_form_of_its_tables() {
    let right = "root = \"/srv\"\n\n[rotate]\n# days\nkeep = \"14d\"\n\
                 [enterprises.0367]\nname = \"june\"\nlines = { 1 = \"2\" }\n\
                 [enterprises.a_b]\nname = \"5\"\n";
    read(right).expect("all of it is right");
    for (is, wrong, line) in [
        ("\"/srv\"", "1", 1),
        ("\"14d\"", "\"14\"", 5),
        ("[rotate]", "[[rotate]]", 3),
        ("[enterprises.0367]", "[enterprises.\"0 3\"]", 6),
        ("\"june\"", "1", 7),
        ("\"2\"", "2", 8),
        ("[enterprises.a_b]", "[enterprises.\"a.b\"]", 9),
        ("\"5\"", "5", 10),
    ] {
        let error = read(&right.replace(is, wrong)).expect_err(wrong);
        assert!(
            error.starts_with(&format!("config.toml:{line}: ")),
            "{error}"
        );
    }
    let error = read("no = TOML =").expect_err("no TOML");
    assert!(error.starts_with("config.toml:1: "), "{error}");
}
