//! Every setting there is: where it stands, what it is when nobody sets it, which variable goes
//! before it. What parses settings, `calltrace config` and the documentation read this one list.

use super::values::nearest;
use super::wrong::Wrong;

/// One setting of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The table it stands in: `""` at the top, `rotate`, ... What is in capitals is a name that
    /// the user chooses: `enterprises.NUMBER`.
    pub table: &'static str,
    /// Its name there; in capitals where the user chooses it.
    pub key: &'static str,
    /// What it is when nobody sets it.
    pub usual: Usual,
    /// The variable of the environment that goes before all files.
    pub variable: Option<&'static str>,
    /// What is shown of its value.
    pub shown: Shown,
    /// What it says, in a few words; the unit and the range where there are some.
    pub about: &'static str,
}

/// What holds while a setting is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// This value, as TOML.
    Is(&'static str),
    /// No value of its own; what happens then, in words.
    Not(&'static str),
}

/// What of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// An address, without the password it may hold.
    Address,
    /// Nothing.
    Hidden,
}

/// All settings, as the documentation orders them.
pub const KNOWN: [Known; 30] = [
    whole(
        "",
        "root",
        Usual::Is("\"call_tracer\""),
        "folder that holds one folder an enterprise",
    )
    .over("CALLTRACE_ROOT"),
    whole(
        "",
        "log_timezone",
        Usual::Is("\"UTC\""),
        "zone of the times that records begin with",
    )
    .over("CALLTRACE_LOG_TIMEZONE"),
    whole(
        "",
        "display_timezone",
        Usual::Not("of TZ or the system"),
        "zone that times are shown and typed in",
    )
    .over("CALLTRACE_DISPLAY_TIMEZONE"),
    whole(
        "",
        "threads",
        Usual::Is("0"),
        "threads to work with, up to 256; 0 for one a core",
    )
    .over("CALLTRACE_THREADS"),
    whole(
        "rotate",
        "keep",
        Usual::Is("\"14d\""),
        "full days that are kept: 14d, 2w",
    ),
    whole(
        "rotate",
        "mode",
        Usual::Is("\"auto\""),
        "how the live file is rotated: auto, archive, rename, collapse",
    ),
    whole(
        "rotate",
        "max_size",
        Usual::Not("no limit"),
        "a live file that is larger is rotated on any day: 500MB, 2GiB",
    ),
    whole(
        "rotate",
        "grace",
        Usual::Is("\"60s\""),
        "where leases are not to be had, how long a file must be left alone before it is sealed",
    ),
    whole(
        "rotate",
        "verify",
        Usual::Is("\"64MiB\""),
        "archives compared with their indexes in a run, oldest check first, one at least; \"0\" for none",
    ),
    whole(
        "serve",
        "listen",
        Usual::Is("\"127.0.0.1:8026\""),
        "address and port of the pages",
    )
    .over("CALLTRACE_LISTEN"),
    whole(
        "serve",
        "public_url",
        Usual::Not("http:// and the address it listens on"),
        "where people reach the pages; links begin with it",
    )
    .over("CALLTRACE_PUBLIC_URL"),
    whole(
        "serve",
        "trusted_proxies",
        Usual::Is("[]"),
        "proxies on other hosts whose X-Forwarded-For is believed",
    ),
    whole(
        "serve",
        "lang",
        Usual::Is("\"ru\""),
        "language of who says nothing else: ru, en",
    ),
    whole(
        "serve",
        "request_timeout",
        Usual::Is("\"30s\""),
        "in which a request is answered or refused, 1s to 10m",
    ),
    whole(
        "serve",
        "max_connections",
        Usual::Is("512"),
        "connections open at one time, 1 to 60000",
    ),
    whole(
        "serve",
        "recording_url",
        Usual::Not("no link to recordings"),
        "where the recording of a call is: {unique_id} or {uuid} stands for the call's own",
    ),
    whole(
        "serve",
        "recording_hosts",
        Usual::Is("[]"),
        "hosts whose addresses in a record are those of recordings",
    ),
    whole(
        "serve",
        "api_token",
        Usual::Not("the API is for this host alone"),
        "what opens the JSON API to other hosts",
    )
    .hidden(),
    whole(
        "serve",
        "api_token_file",
        Usual::Not("the API is for this host alone"),
        "file that holds api_token",
    ),
    whole(
        "serve",
        "log_file",
        Usual::Not("stderr"),
        "where the log of requests is written",
    )
    .over("CALLTRACE_LOG_FILE"),
    whole(
        "enterprises.NUMBER",
        "name",
        Usual::Not("its number"),
        "what people call the enterprise",
    ),
    whole(
        "enterprises.NUMBER",
        "secret",
        Usual::Not("its pages are closed"),
        "what opens the enterprise's pages and signs its links; 16 random characters or more",
    )
    .hidden(),
    whole(
        "enterprises.NUMBER",
        "secret_file",
        Usual::Not("its pages are closed"),
        "file that holds secret",
    ),
    whole(
        "enterprises.NUMBER.extensions",
        "EXTENSION",
        Usual::Not("the extension"),
        "who has the extension",
    ),
    whole(
        "enterprises.NUMBER.lines",
        "LINE",
        Usual::Not("the line"),
        "what people call the line",
    ),
    whole(
        "people",
        "CHAT",
        Usual::Not("the chat's number"),
        "who it is, by the number of a Telegram chat",
    ),
    whole(
        "postgres",
        "url",
        Usual::Not("no database"),
        "database with secrets and names, read only: postgres://USER@HOST/DATABASE",
    )
    .address(),
    whole(
        "postgres",
        "url_file",
        Usual::Not("no database"),
        "file that holds url",
    ),
    whole(
        "postgres",
        "pool",
        Usual::Is("4"),
        "connections to the database, 1 to 32",
    ),
    whole(
        "metadata",
        "url",
        Usual::Not("no service"),
        "service that knows names by line and extension: http://HOST:PORT",
    )
    .address(),
];

const fn whole(table: &'static str, key: &'static str, usual: Usual, about: &'static str) -> Known {
    Known {
        table,
        key,
        usual,
        variable: None,
        shown: Shown::Whole,
        about,
    }
}

impl Known {
    const fn over(mut self, variable: &'static str) -> Known {
        self.variable = Some(variable);
        self
    }

    const fn hidden(mut self) -> Known {
        self.shown = Shown::Hidden;
        self
    }

    const fn address(mut self) -> Known {
        self.shown = Shown::Address;
        self
    }
}

/// The names that a table may hold: settings, then tables within it.
pub(super) fn names_in(table: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for known in &KNOWN {
        let within = known.table.strip_prefix(table);
        let name = match within {
            Some("") => known.key,
            Some(rest) => {
                let rest = rest.trim_start_matches('.');
                rest.split('.').next().expect("a split has a first part")
            }
            None => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What to say of a name that `table` does not have. `at` is how the table is called where it
/// stands: `enterprises.0367` of `enterprises.NUMBER`.
pub(super) fn unknown(name: &str, table: &str, at: &str) -> Wrong {
    let names = names_in(table);
    let hint = match nearest(name, names.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", names.join(", ")),
    };
    match at {
        "" => Wrong::unknown(name, format!("no setting {name:?}; {hint}")),
        _ => Wrong::unknown(
            &format!("{at}.{name}"),
            format!("no setting {name:?} in [{at}]; {hint}"),
        ),
    }
}

/// What to say of a setting that is in the list above and that no code reads: a mistake of ours, which
/// must not set another setting.
pub(super) fn not_read(place: &str) -> Wrong {
    Wrong::value(place, "this version knows it and does not read it")
}

/// Of two settings that say the same thing, the other one: what is set later takes its place.
pub(super) fn twin(key: &str) -> Option<&'static str> {
    const TWINS: [(&str, &str); 3] = [
        ("api_token", "api_token_file"),
        ("secret", "secret_file"),
        ("url", "url_file"),
    ];
    let pair = |(one, other)| match key {
        _ if key == one => Some(other),
        _ if key == other => Some(one),
        _ => None,
    };
    TWINS.into_iter().find_map(pair)
}
