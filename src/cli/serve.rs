//! `calltrace serve` and `calltrace link` as typed, and `[serve]` of the settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use toml::{Table, Value};

use super::directory::{file, only_one, secret};
use super::known;
use super::values::{one_of, parse_id, parse_length};
use super::wrong::Wrong;
use super::{HELP, Wanted};
use calltrace_directory::Given;
use calltrace_web::pages::Language;
use calltrace_web::{PublicUrl, RecordingUrl, Recordings, VALID_FOR_MAX};

/// Where pages are served when nobody says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8026);

/// `calltrace serve`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace serve
      on 127.0.0.1:8026; prints the link to open
  calltrace serve --listen 127.0.0.1:0
      on a port that is free
  calltrace serve --public-url https://bot.example.org
      links as they are seen from outside",
    after_long_help = "\
Ctrl-C or SIGTERM ends it when the requests that run are answered, ten seconds later at most; a \
second one ends it at once. There is no TLS: to be reached from elsewhere it belongs behind a \
proxy that has it.

Exit status: 0 ended as it was told to, 2 an error."
)]
pub struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8026]
    #[arg(long, env = "CALLTRACE_LISTEN", hide_env_values = true, value_name = "ADDR:PORT", value_parser = parse_listen)]
    pub listen: Option<SocketAddr>,
    #[allow(rustdoc::bare_urls, reason = "this is what --help shows")]
    /// Where people reach the pages, such as https://bot.example.org
    #[arg(long, env = "CALLTRACE_PUBLIC_URL", hide_env_values = true, value_name = "URL", value_parser = PublicUrl::parse)]
    pub public_url: Option<PublicUrl>,
    /// How the log is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Where the log is written instead of stderr; moved aside at 10 MB, five old ones are kept
    #[arg(long, env = "CALLTRACE_LOG_FILE", hide_env_values = true, value_name = "FILE", add = Wanted::File)]
    pub log_file: Option<PathBuf>,
}

/// Formats of the log of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line of words.
    Text,
    /// A JSON object a line.
    Json,
}

/// `calltrace link`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace link 0367 1764493655.61
      opens this one call for two weeks
  calltrace link 0367 1764493655.61 --for 2h
      for two hours",
    after_long_help = "\
The enterprise's secret signs it, from the settings or the database; whoever changes the secret \
ends all its links. The call need not be in the logs yet.

Exit status: 0 printed, 2 an error."
)]
pub struct LinkArgs {
    /// The enterprise
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprise: String,
    /// Any UniqueId of the call
    #[arg(value_name = "UNIQUE_ID", value_parser = parse_id, add = Wanted::Call)]
    pub unique_id: String,
    /// How long it opens the call: from 1m to 400d
    #[arg(long = "for", value_name = "TIME", default_value = "14d", value_parser = parse_validity, add = Wanted::Words(&["2h", "1d", "14d"]))]
    pub valid_for: Duration,
    #[allow(rustdoc::bare_urls, reason = "this is what --help shows")]
    /// Where people reach the pages [default: where serve listens, http://127.0.0.1:8026]
    #[arg(long, env = "CALLTRACE_PUBLIC_URL", hide_env_values = true, value_name = "URL", value_parser = PublicUrl::parse)]
    pub public_url: Option<PublicUrl>,
}

/// `[serve]` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeSettings {
    /// Address and port to listen on.
    pub listen: Option<SocketAddr>,
    /// Where people reach the pages.
    pub public_url: Option<PublicUrl>,
    /// Proxies on other hosts that are believed when they say whose a request is.
    pub trusted_proxies: Vec<IpAddr>,
    /// The language of those who do not say which they speak.
    pub language: Option<Language>,
    /// In which a request is answered or refused.
    pub request_timeout: Option<Duration>,
    /// Connections open at one time.
    pub connections_max: Option<u16>,
    /// Where recordings are.
    pub recordings: Recordings,
    /// What opens the API to those who are no program of this host.
    pub api_token: Option<Given>,
    /// Where the log is written instead of stderr.
    pub log_file: Option<PathBuf>,
}

impl ServeSettings {
    /// Takes over what a table says.
    pub(super) fn read(&mut self, table: Table) -> Result<(), Wrong> {
        only_one(&table, "serve", "api_token", "api_token_file")?;
        for (key, value) in table {
            if !known::names_in("serve").contains(&key.as_str()) {
                return Err(known::unknown(&key, "serve", "serve"));
            }
            let place = format!("serve.{key}");
            let wrong = |hint: String| Wrong::value(&place, &hint);
            match (key.as_str(), value) {
                ("trusted_proxies", Value::Array(hosts)) => {
                    let hosts: Result<_, _> = hosts.iter().map(parse_host).collect();
                    self.trusted_proxies = hosts.map_err(wrong)?;
                }
                ("trusted_proxies", _) => {
                    return Err(wrong(
                        "a list of addresses, such as [\"10.0.0.5\"]".to_owned(),
                    ));
                }
                ("recording_hosts", Value::Array(hosts)) => {
                    let hosts = hosts.iter().map(|host| match host {
                        Value::String(host) => Recordings::host(host),
                        _ => Err("one is like \"rec.example.org\"".to_owned()),
                    });
                    self.recordings.hosts = hosts.collect::<Result<_, _>>().map_err(wrong)?;
                }
                ("recording_hosts", _) => {
                    let hint = "a list of hosts, such as [\"rec.example.org\"]";
                    return Err(wrong(hint.to_owned()));
                }
                ("max_connections", Value::Integer(n)) if (1..=60_000).contains(&n) => {
                    self.connections_max = u16::try_from(n).ok();
                }
                ("max_connections", _) => {
                    return Err(wrong("it is a number from 1 to 60000".to_owned()));
                }
                ("api_token", value) => {
                    self.api_token = Some(Given::Here(secret(&place, value)?));
                }
                ("api_token_file", value) => {
                    self.api_token = Some(Given::File(file(&place, value)?));
                }
                (
                    "listen" | "public_url" | "log_file" | "lang" | "request_timeout"
                    | "recording_url",
                    Value::String(text),
                ) => self.read_text(&key, &text).map_err(wrong)?,
                (
                    "listen" | "public_url" | "log_file" | "lang" | "request_timeout"
                    | "recording_url",
                    _,
                ) => {
                    return Err(Wrong::new(&place, "must be in quotes"));
                }
                (_, _) => return Err(known::not_read(&place)),
            }
        }
        Ok(())
    }

    fn read_text(&mut self, key: &str, text: &str) -> Result<(), String> {
        match key {
            "listen" => self.listen = Some(parse_listen(text)?),
            "public_url" => self.public_url = Some(PublicUrl::parse(text)?),
            "recording_url" => self.recordings.template = Some(RecordingUrl::parse(text)?),
            "log_file" if text.is_empty() => return Err("it is the name of a file".to_owned()),
            "log_file" => self.log_file = Some(PathBuf::from(text)),
            "lang" => self.language = Some(parse_language(text)?),
            "request_timeout" => self.request_timeout = Some(parse_timeout(text)?),
            _ => return Err("this version knows it and does not read it".to_owned()),
        }
        Ok(())
    }

    /// What is wanted: flags before these settings before what is usual.
    pub fn listen(&self, args: &ServeArgs) -> SocketAddr {
        args.listen.or(self.listen).unwrap_or(LISTEN)
    }

    /// Where links point to.
    pub fn links_to(&self, args: &LinkArgs) -> PublicUrl {
        let said = args.public_url.clone().or(self.public_url.clone());
        said.unwrap_or_else(|| own_url(self.listen.unwrap_or(LISTEN)))
    }
}

/// The address of a listener as a browser on this host reaches it.
pub fn own_url(at: SocketAddr) -> PublicUrl {
    let host = match at {
        _ if !at.ip().is_unspecified() => at,
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, at.port())),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, at.port())),
    };
    PublicUrl::parse(&format!("http://{host}")).expect("it is written like one")
}

/// `127.0.0.1:8026`, `[::1]:8026`, or a port alone.
fn parse_listen(typed: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = typed.trim_start_matches(':').parse() {
        return Ok(SocketAddr::new(LISTEN.ip(), port));
    }
    let with_name = typed.replacen("localhost:", "127.0.0.1:", 1);
    with_name.parse().map_err(|_| {
        "an address to listen on is like 127.0.0.1:8026, [::1]:8026 or 0.0.0.0:8026".to_owned()
    })
}

fn parse_host(value: &Value) -> Result<IpAddr, String> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    // What is no word may hold a password.
    let is_word = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let shown = value.as_str().filter(is_word);
    let shown = shown.map_or("one of them".to_owned(), |text| format!("{text:?}"));
    address.ok_or_else(|| format!("{shown} is no address; one is like \"10.0.0.5\""))
}

fn parse_language(typed: &str) -> Result<Language, String> {
    match typed {
        "ru" => Ok(Language::Russian),
        "en" => Ok(Language::English),
        _ => Err(one_of(typed, "language", &["ru", "en"])),
    }
}

fn parse_timeout(typed: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(1)..=Duration::from_secs(600);
    let timeout = parse_length(typed).ok().filter(|it| range.contains(it));
    timeout.ok_or_else(|| "it is from 1s to 10m".to_owned())
}

fn parse_validity(typed: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(60)..=VALID_FOR_MAX;
    let validity = parse_length(typed).ok().filter(|it| range.contains(it));
    validity.ok_or_else(|| "a link is valid from 1m to 400d, such as 14d or 12h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServeSettings, Wrong> {
        let mut settings = ServeSettings::default();
        let table = text.parse().expect("it is TOML");
        settings.read(table).map(|()| settings)
    }

    #[test]
    fn all_settings_of_serve_are_read() {
        let settings = read(
            "listen = \"0.0.0.0:80\"\npublic_url = \"https://bot.example.org/\"\n\
             trusted_proxies = [\"10.0.0.5\", \"::1\"]\nlang = \"en\"\n\
             request_timeout = \"20s\"\nmax_connections = 100\napi_token_file = \"token\"\n\
             log_file = \"/var/log/calltrace/serve.log\"\n\
             recording_url = \"https://rec.example.org/{unique_id}\"\n\
             recording_hosts = [\"rec.example.org\"]",
        );
        let wanted = ServeSettings {
            listen: Some("0.0.0.0:80".parse().expect("it is right")),
            public_url: Some(PublicUrl::parse("https://bot.example.org").expect("it is right")),
            trusted_proxies: vec![
                "10.0.0.5".parse().expect("it is right"),
                "::1".parse().expect("it is right"),
            ],
            language: Some(Language::English),
            request_timeout: Some(Duration::from_secs(20)),
            connections_max: Some(100),
            api_token: Some(Given::File("token".into())),
            log_file: Some(PathBuf::from("/var/log/calltrace/serve.log")),
            recordings: Recordings {
                template: RecordingUrl::parse("https://rec.example.org/{unique_id}").ok(),
                hosts: vec!["rec.example.org".to_owned()],
            },
        };
        assert_eq!(settings, Ok(wanted));
    }

    #[test]
    fn a_wrong_setting_of_serve_says_what_is_right() {
        for (text, said) in [
            (
                "lisen = \"1\"",
                "no setting \"lisen\" in [serve]; did you mean listen?",
            ),
            ("listen = 8026", "serve.listen must be in quotes"),
            (
                "listen = \"here\"",
                "serve.listen: an address to listen on is like 127.0.0.1:8026, [::1]:8026 or 0.0.0.0:8026",
            ),
            (
                "lang = \"ur\"",
                "serve.lang: no language \"ur\"; did you mean ru?",
            ),
            (
                "trusted_proxies = [\"proxy\"]",
                "serve.trusted_proxies: \"proxy\" is no address; one is like \"10.0.0.5\"",
            ),
            (
                "log_file = \"\"",
                "serve.log_file: it is the name of a file",
            ),
            (
                "max_connections = 0",
                "serve.max_connections: it is a number from 1 to 60000",
            ),
            (
                "recording_url = \"https://rec.example.org/\"",
                "serve.recording_url: it holds {unique_id} or {uuid}, in whose place the call's own is put",
            ),
            (
                "recording_hosts = [\"https://rec.example.org\"]",
                "serve.recording_hosts: one is like \"rec.example.org\"",
            ),
            (
                "recording_hosts = \"rec.example.org\"",
                "serve.recording_hosts: a list of hosts, such as [\"rec.example.org\"]",
            ),
            ("api_token = \" \"", "serve.api_token is empty"),
            (
                "api_token = \"a\"\napi_token_file = \"b\"",
                "serve has both api_token and api_token_file; leave one of them",
            ),
            (
                "request_timeout = \"0s\"",
                "serve.request_timeout: it is from 1s to 10m",
            ),
        ] {
            assert_eq!(read(text).expect_err(said).to_string(), said);
        }
    }

    #[test]
    fn a_port_alone_is_one_of_this_host() {
        for typed in ["8027", ":8027", "127.0.0.1:8027", "localhost:8027"] {
            assert_eq!(
                parse_listen(typed),
                Ok("127.0.0.1:8027".parse().expect("it is right"))
            );
        }
        assert!(parse_listen("example.org:8027").is_err());
        assert!(parse_listen("127.0.0.1").is_err());
    }

    #[test]
    fn links_are_valid_for_a_minute_to_400_days() {
        assert_eq!(parse_validity("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_validity("400d"), Ok(VALID_FOR_MAX));
        for wrong in ["59s", "400d1s", "", "x", "14"] {
            assert!(parse_validity(wrong).is_err(), "{wrong}");
        }
    }
}
