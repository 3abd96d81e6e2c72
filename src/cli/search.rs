//! `calltrace search` as typed, and the filters that it shares.

use std::sync::LazyLock;

use clap::{Args, ValueEnum};

use super::values::{
    ACTIONS, DIRECTIONS, KINDS, MESSAGES, RESULTS, parse_action, parse_direction, parse_fault,
    parse_kind, parse_message, parse_name, parse_phone, parse_regex, parse_status,
    parse_status_pattern,
};
use super::{HELP, Wanted};
use crate::settings::values::{one_of, parse_duration};
use calltrace_model::call::{Direction, FaultCode, Outcome};
use calltrace_model::filter::{RecordFilter, StatusPattern};
use calltrace_model::record::KindName;
use calltrace_model::record::phone::PhoneQuery;

/// Points in time that are often meant.
pub(super) const MOMENTS: [&str; 4] = ["today", "yesterday", "-1h", "-1d"];

/// Faults, as `--fault` takes them.
static FAULTS: LazyLock<[&str; FaultCode::ALL.len()]> =
    LazyLock::new(|| FaultCode::ALL.map(FaultCode::name));

/// Events that hosts send. Others are taken as well: hosts have sent new ones before.
pub(super) const EVENTS: [&str; 9] = [
    "start",
    "dial",
    "bridge_create",
    "bridge",
    "bridge_leave",
    "bridge_destroy",
    "new_callerid",
    "hangup",
    "unknown",
];

/// Whom and what a call or a record is about.
#[derive(Debug, Clone, Args)]
pub struct PartyArgs {
    /// Outside number, as people type it, or its last 7 digits or more; or what a caller without one shows: anonymous
    #[arg(long, value_name = "NUMBER", value_parser = parse_phone)]
    pub phone: Option<PhoneQuery>,
    /// Extension that called, rang or talked; one of several with commas
    #[arg(long, value_name = "EXTS", value_delimiter = ',', value_parser = parse_name)]
    pub ext: Vec<String>,
    /// Line (trunk) it went over; one of several with commas
    #[arg(long, value_name = "LINES", value_delimiter = ',', value_parser = parse_name)]
    pub trunk: Vec<String>,
    /// Telegram chat that got a message of it; one of several with commas
    #[arg(long, value_name = "CHAT_IDS", value_delimiter = ',', value_parser = parse_name, allow_hyphen_values = true)]
    pub chat: Vec<String>,
}

/// What a record is like.
#[derive(Debug, Clone, Default, Args)]
pub struct ContentArgs {
    /// Asterisk event, such as hangup; several with commas
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = parse_name, add = Wanted::Words(&EVENTS))]
    pub event: Vec<String>,
    /// Kind of record: ast, tg, http, sql, unparsed; several with commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind, add = Wanted::Words(&KINDS))]
    pub kind: Vec<KindName>,
    /// HTTP request with this status: 404, or 5xx for all of a class
    #[arg(long, value_name = "STATUS", value_parser = parse_status_pattern, add = Wanted::Words(&["4xx", "5xx"]))]
    pub http_status: Option<StatusPattern>,
    /// Request or query that took at least this long: 1s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_request: Option<i64>,
    /// Telegram record that did this: send, edit, delete; several with commas
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',', value_parser = parse_action, add = Wanted::Words(&ACTIONS))]
    pub action: Vec<String>,
    /// Telegram record about this: start, dial, bridge, hangup; several with commas
    #[arg(long, value_name = "STAGES", value_delimiter = ',', value_parser = parse_message, add = Wanted::Words(&MESSAGES))]
    pub message: Vec<String>,
    /// Text that stands in a record, exactly
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub text: Option<String>,
    /// Regular expression that a record matches
    #[arg(long, value_name = "REGEX", value_parser = parse_regex)]
    pub regex: Option<regex::bytes::Regex>,
}

impl PartyArgs {
    /// The filter on single records that these and `content` make.
    pub fn record_filter(&self, content: &ContentArgs) -> RecordFilter {
        RecordFilter {
            phone: self.phone.clone(),
            extensions: self.ext.clone(),
            trunks: self.trunk.clone(),
            chats: self.chat.clone(),
            ..content.record_filter()
        }
    }
}

/// A word that no definition knows: what is to be looked for, and what is said if it is nowhere.
#[derive(Debug)]
pub struct UnknownWord {
    /// Passes records that have the word.
    pub filter: RecordFilter,
    /// What is wrong, with the nearest word that is known.
    pub error: String,
}

impl ContentArgs {
    /// The words that calltrace does not know by itself. Hosts may use them all the same.
    pub fn unknown_words(&self) -> Vec<UnknownWord> {
        let events = self.event.iter();
        let events = events.filter(|event| !EVENTS.contains(&event.as_str()));
        let event = |event: &String| UnknownWord {
            filter: RecordFilter {
                events: vec![event.clone()],
                ..RecordFilter::default()
            },
            error: format!("--event: {}", one_of(event, "line has the event", &EVENTS)),
        };
        let status = self.http_status.filter(|status| !status.is_of_http());
        let status = status.map(|status| UnknownWord {
            filter: RecordFilter {
                http_status: Some(status),
                ..RecordFilter::default()
            },
            error: format!(
                "--http-status: no line has the status {status}; HTTP has 100 to 599, and 5xx is a class"
            ),
        });
        events.map(event).chain(status).collect()
    }

    /// The filter on single records that these make.
    pub fn record_filter(&self) -> RecordFilter {
        RecordFilter {
            kinds: self.kind.clone(),
            events: self.event.clone(),
            http_status: self.http_status,
            min_request_millis: self.min_request,
            actions: self.action.clone(),
            messages: self.message.clone(),
            text: self.text.clone(),
            regex: self.regex.clone(),
            ..RecordFilter::default()
        }
    }
}

/// Which calls, of whom and when.
#[derive(Debug, Clone, Args)]
pub struct CallArgs {
    /// Enterprises to search; all of them when left out
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprises: Vec<String>,
    /// Whom and what it is about.
    #[command(flatten)]
    pub party: PartyArgs,
    /// in, out or internal
    #[arg(long, value_name = "DIR", value_parser = parse_direction, add = Wanted::Words(&DIRECTIONS))]
    pub direction: Option<Direction>,
    /// answered, missed, not-reached, busy, in-progress or unknown (no end logged)
    #[arg(long, value_name = "RESULT", value_parser = parse_status, add = Wanted::Words(&RESULTS))]
    pub status: Option<Outcome>,
    /// What one of its records is like.
    #[command(flatten)]
    pub content: ContentArgs,
    /// Began then or later: 2025-11-30, '2025-11-30 09:00', 30.11, 09:00, 3h, yesterday, monday, RFC 3339
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = Wanted::Words(&MOMENTS))]
    pub since: Option<String>,
    /// Began before; of a day, up to its end
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = Wanted::Words(&MOMENTS))]
    pub until: Option<String>,
    /// Talked at least this long: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_talk: Option<i64>,
    /// Rang at least this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_ring: Option<i64>,
    /// The client was transferred
    #[arg(long)]
    pub transferred: bool,
    /// An event of it never arrived and was recovered from the host's journal
    #[arg(long)]
    pub recovered: bool,
    /// Something is wrong with the call: message_not_sent, wrong_number, request_failed, message_repeated, message_left_standing, wrong_duration, name_lookup_failed, no_end, name_lookup_empty, text_cut or response_cut
    #[arg(long, value_name = "CODE", value_parser = parse_fault, add = Wanted::Words(&*FAULTS))]
    pub fault: Option<FaultCode>,
}

impl CallArgs {
    /// What was typed but for the time: option and value, in a fixed order; without enterprises all of them.
    pub fn stated(&self) -> Vec<(&'static str, String)> {
        let mut enterprises = self.enterprises.clone();
        enterprises.sort();
        enterprises.dedup();
        let (party, content) = (&self.party, &self.content);
        let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join(","));
        let kinds = content
            .kind
            .iter()
            .map(|kind| format!("{kind:?}").to_lowercase());
        let phone = party.phone.as_ref().map(PhoneQuery::digits);
        let millis = |millis: Option<i64>| millis.map(|millis| format!("{millis}ms"));
        let all = [
            ("ENTERPRISE", list(enterprises)),
            (
                "--phone",
                phone.map(|digits| String::from_utf8_lossy(digits).into_owned()),
            ),
            ("--ext", list(party.ext.clone())),
            ("--trunk", list(party.trunk.clone())),
            ("--chat", list(party.chat.clone())),
            (
                "--direction",
                self.direction.map(|way| way.name().to_owned()),
            ),
            (
                "--status",
                self.status.map(|outcome| outcome.name().to_owned()),
            ),
            ("--event", list(content.event.clone())),
            ("--kind", list(kinds.collect())),
            (
                "--http-status",
                content.http_status.map(|status| status.to_string()),
            ),
            ("--min-request", millis(content.min_request)),
            ("--action", list(content.action.clone())),
            ("--message", list(content.message.clone())),
            ("--text", content.text.clone()),
            ("--regex", content.regex.as_ref().map(ToString::to_string)),
            ("--min-talk", millis(self.min_talk)),
            ("--min-ring", millis(self.min_ring)),
            ("--transferred", self.transferred.then(String::new)),
            ("--recovered", self.recovered.then(String::new)),
            ("--fault", self.fault.map(|code| code.name().to_owned())),
        ];
        let given = all
            .into_iter()
            .filter_map(|(option, value)| Some((option, value?)));
        given.collect()
    }
}

/// Within which time a missed call is returned.
#[derive(Debug, Clone, Copy, Args)]
pub struct WithinArgs {
    /// A missed call is returned if the client is called back within this time
    #[arg(long, value_name = "TIME", default_value = "60m", value_parser = parse_duration)]
    pub callback_within: i64,
}

/// `calltrace search`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace search 0367 --phone '+375 (29) 000-12-34'
      the calls of a client; or the last 7 digits or more
  calltrace search --status missed --since yesterday
      who was not picked up, in all enterprises
  calltrace search 0367 --lines --http-status 5xx -C 2
      failed requests and what was around them",
    after_long_help = "\
Filters on the call (phone, ext, trunk, chat, direction, status, min-*, transferred, recovered, fault, since, until) \
must all hold. Filters on a record (event, kind, http-status, min-request, action, message, text, regex) must all hold for one \
of its records. With --lines all of them are filters on a record, and records are shown as calltrace tail \
shows them, the match marked; in a pipe they are not cut, and --format raw prints the lines as they stand in the files.

Exit status: 0 found, 1 nothing found though everything was searched, 2 an error or an incomplete \
search (what was found is printed all the same)."
)]
pub struct SearchArgs {
    /// Which calls.
    #[command(flatten)]
    pub calls: CallArgs,
    /// Missed calls; short for --status missed
    #[arg(long, conflicts_with = "status")]
    pub missed: bool,
    /// Answered calls; short for --status answered
    #[arg(long, conflicts_with_all = ["status", "missed", "not_returned"])]
    pub answered: bool,
    /// Missed calls after which nobody called back, and whose client did not get through by ringing again
    #[arg(long)]
    pub not_returned: bool,
    /// Say of missed calls whether, when and by whom the client was called back
    #[arg(long)]
    pub callbacks: bool,
    /// Within which time.
    #[command(flatten)]
    pub within: WithinArgs,
    /// At most this many, the newest; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Print only how many there are, of all
    #[arg(short, long)]
    pub count: bool,
    /// Join only what ids prove
    #[arg(long)]
    pub strict: bool,
    /// Print matching records instead of calls
    #[arg(long)]
    pub lines: bool,
    /// With --lines: print all that was logged of each record, instead of one line of words
    #[arg(long, requires = "lines")]
    pub full: bool,
    /// With --lines --count: how many there are of each
    #[arg(long, value_name = "BY", requires_all = ["lines", "count"])]
    pub by: Option<LinesBy>,
    /// With --lines: records printed after each
    #[arg(short = 'A', long, value_name = "N", requires = "lines")]
    pub after_context: Option<usize>,
    /// With --lines: records printed before each
    #[arg(short = 'B', long, value_name = "N", requires = "lines")]
    pub before_context: Option<usize>,
    /// With --lines: records printed on both sides of each
    #[arg(short = 'C', long, value_name = "N", requires = "lines")]
    pub context: Option<usize>,
    /// How to print it; raw is the original lines of every call found
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SearchFormat,
    /// With --format csv: leave texts as they are that a spreadsheet may take for formulas
    #[arg(long)]
    pub raw_csv: bool,
}

impl SearchArgs {
    /// The result that is asked for.
    pub fn status(&self) -> Option<Outcome> {
        let missed = self.missed.then_some(Outcome::Missed);
        let answered = self.answered.then_some(Outcome::Answered);
        self.calls.status.or(missed).or(answered)
    }

    /// How many are shown; `None` for all, and where they are only counted.
    pub fn limit(&self) -> Option<usize> {
        Some(self.limit).filter(|&limit| limit > 0 && !self.count)
    }
}

/// Formats of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SearchFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON value a row, then a report.
    Ndjson,
    /// Comma-separated values with a head.
    Csv,
    /// The lines as they stand in the files.
    Raw,
}

/// What records are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LinesBy {
    /// Asterisk event.
    Event,
    /// Kind of record.
    Kind,
    /// What a Telegram record did.
    Action,
    /// Enterprise.
    Enterprise,
}
