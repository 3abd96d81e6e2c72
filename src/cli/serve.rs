//! `calltrace serve` and `calltrace link` as typed.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::parse_id;
use super::{CompletionKind, HELP};
use crate::settings::ServeSettings;
use crate::settings::values::{parse_length, parse_listen};
use calltrace_web::{PublicUrl, VALID_FOR_MAX};

/// `calltrace serve`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace serve
      listens on 127.0.0.1:8026 and prints a link to open
  calltrace serve --listen 127.0.0.1:0
      listens on any free port
  calltrace serve --public-url https://bot.example.org
      prints links with the address that users reach",
    after_long_help = "\
Ctrl-C or SIGTERM ends the server after it has answered the open requests, ten seconds later at most; a \
second one ends it at once. The server has no TLS: to make it reachable from other hosts, put it behind \
a proxy with TLS.

Exit status: 0 ended on request, 2 an error."
)]
pub struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8026]
    #[arg(long, env = "CALLTRACE_LISTEN", hide_env_values = true, value_name = "ADDR:PORT", value_parser = parse_listen)]
    pub listen: Option<SocketAddr>,
    #[allow(rustdoc::bare_urls, reason = "this is what --help shows")]
    /// Address at which users reach the pages, such as https://bot.example.org
    #[arg(long, env = "CALLTRACE_PUBLIC_URL", hide_env_values = true, value_name = "URL", value_parser = PublicUrl::parse)]
    pub public_url: Option<PublicUrl>,
    /// Format of the log
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Write the log to this file instead of stderr; it is rotated at 10 MB, and five old files are kept
    #[arg(long, env = "CALLTRACE_LOG_FILE", hide_env_values = true, value_name = "FILE", add = CompletionKind::File)]
    pub log_file: Option<PathBuf>,
}

/// Formats of the log of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text per request.
    Text,
    /// One JSON object per line.
    Json,
}

/// `calltrace link`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace link 0367 1764493655.61
      a link that opens this call for two weeks
  calltrace link 0367 1764493655.61 --for 2h
      a link for two hours",
    after_long_help = "\
The link is signed with the enterprise's secret from the settings or the database; a new secret makes \
all earlier links invalid. The call need not be in the logs yet.

Exit status: 0 printed, 2 an error."
)]
pub struct LinkArgs {
    /// The enterprise of the call
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprise: String,
    /// Any UniqueId of the call
    #[arg(value_name = "UNIQUE_ID", value_parser = parse_id, add = CompletionKind::Call)]
    pub unique_id: String,
    /// How long the link is valid: from 1m to 400d
    #[arg(long = "for", value_name = "TIME", default_value = "14d", value_parser = parse_validity, add = CompletionKind::Words(&["2h", "1d", "14d"]))]
    pub valid_for: Duration,
    #[allow(rustdoc::bare_urls, reason = "this is what --help shows")]
    /// Address at which users reach the pages [default: where serve listens, http://127.0.0.1:8026]
    #[arg(long, env = "CALLTRACE_PUBLIC_URL", hide_env_values = true, value_name = "URL", value_parser = PublicUrl::parse)]
    pub public_url: Option<PublicUrl>,
}

impl LinkArgs {
    /// The address that the link begins with: the option, else the setting, else the listen address.
    pub fn front(&self, settings: &ServeSettings) -> PublicUrl {
        let public_url = self.public_url.clone().or(settings.public_url.clone());
        public_url.unwrap_or_else(|| own_url(settings.listen))
    }
}

/// The address at which a browser on this host reaches a listener.
pub fn own_url(at: SocketAddr) -> PublicUrl {
    let host = match at {
        _ if !at.ip().is_unspecified() => at,
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, at.port())),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, at.port())),
    };
    PublicUrl::parse(&format!("http://{host}")).expect("it is written like one")
}

fn parse_validity(typed: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(60)..=VALID_FOR_MAX;
    let validity = parse_length(typed).ok().filter(|it| range.contains(it));
    validity.ok_or_else(|| "a link is valid from 1m to 400d, such as 14d or 12h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_valid_for_a_minute_to_400_days() {
        assert_eq!(parse_validity("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_validity("400d"), Ok(VALID_FOR_MAX));
        for wrong in ["59s", "400d1s", "", "x", "14"] {
            assert!(parse_validity(wrong).is_err(), "{wrong}");
        }
    }
}
