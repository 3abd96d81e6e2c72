//! `calltrace search` as typed, and the filters that it shares.

use std::sync::LazyLock;

use clap::{Args, ValueEnum};

use super::values::{
    ACTIONS, DIRECTIONS, KINDS, MESSAGES, RESULTS, parse_action, parse_direction, parse_fault,
    parse_kind, parse_message, parse_name, parse_phone, parse_regex, parse_status,
    parse_status_pattern,
};
use super::{CompletionKind, HELP};
use crate::settings::values::{one_of, parse_duration};
use calltrace_model::call::{Direction, FaultCode, Outcome};
use calltrace_model::filter::{RecordFilter, StatusPattern};
use calltrace_model::record::KindName;
use calltrace_model::record::phone::PhoneQuery;

/// Completions of an option that takes a point in time.
pub(super) const MOMENTS: [&str; 4] = ["today", "yesterday", "-1h", "-1d"];

/// The values of `--fault`.
static FAULTS: LazyLock<[&str; FaultCode::ALL.len()]> =
    LazyLock::new(|| FaultCode::ALL.map(FaultCode::name));

/// Events that hosts are known to send. Other events are accepted as well, because hosts have added new ones before.
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

/// Filters by the parties of a call or a record.
#[derive(Debug, Clone, Args)]
pub struct PartyArgs {
    /// Outside number in any notation, or at least its last 7 digits; or the word a caller without a number shows: anonymous
    #[arg(long, value_name = "NUMBER", value_parser = parse_phone)]
    pub phone: Option<PhoneQuery>,
    /// Extension that called, rang or talked; separate several with commas
    #[arg(long, value_name = "EXTS", value_delimiter = ',', value_parser = parse_name)]
    pub ext: Vec<String>,
    /// Line (trunk) of the call; separate several with commas
    #[arg(long, value_name = "LINES", value_delimiter = ',', value_parser = parse_name)]
    pub trunk: Vec<String>,
    /// Telegram chat that got a message about the call; separate several with commas
    #[arg(long, value_name = "CHAT_IDS", value_delimiter = ',', value_parser = parse_name, allow_hyphen_values = true)]
    pub chat: Vec<String>,
}

/// Filters by the content of a record.
#[derive(Debug, Clone, Default, Args)]
pub struct ContentArgs {
    /// Asterisk event, such as hangup; separate several with commas
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = parse_name, add = CompletionKind::Words(&EVENTS))]
    pub event: Vec<String>,
    /// Kind of record: ast, tg, http, sql, unparsed; separate several with commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind, add = CompletionKind::Words(&KINDS))]
    pub kind: Vec<KindName>,
    /// HTTP request with this status: 404, or 5xx for the whole class
    #[arg(long, value_name = "STATUS", value_parser = parse_status_pattern, add = CompletionKind::Words(&["4xx", "5xx"]))]
    pub http_status: Option<StatusPattern>,
    /// Request or query that took at least this long: 1s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_request: Option<i64>,
    /// Telegram action: send, edit, delete; separate several with commas
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',', value_parser = parse_action, add = CompletionKind::Words(&ACTIONS))]
    pub action: Vec<String>,
    /// Telegram message about this stage: start, dial, bridge, hangup; separate several with commas
    #[arg(long, value_name = "STAGES", value_delimiter = ',', value_parser = parse_message, add = CompletionKind::Words(&MESSAGES))]
    pub message: Vec<String>,
    /// Text that occurs in a record exactly
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub text: Option<String>,
    /// Regular expression that a record matches
    #[arg(long, value_name = "REGEX", value_parser = parse_regex)]
    pub regex: Option<regex::bytes::Regex>,
}

impl PartyArgs {
    /// The filter on single records made of these options and `content`.
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

/// A filter value that calltrace does not know: how to look for it, and the error if no record has it.
#[derive(Debug)]
pub struct UnknownWord {
    /// Passes records that have the value.
    pub filter: RecordFilter,
    /// The error message, with the nearest known value.
    pub error: String,
}

impl ContentArgs {
    /// The values that calltrace does not know. Hosts may still use them.
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

    /// The filter on single records made of these options.
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

/// Filters on calls.
#[derive(Debug, Clone, Args)]
pub struct CallArgs {
    /// Enterprises to search; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    #[command(flatten)]
    pub party: PartyArgs,
    /// Direction of the call: in, out or internal
    #[arg(long, value_name = "DIR", value_parser = parse_direction, add = CompletionKind::Words(&DIRECTIONS))]
    pub direction: Option<Direction>,
    /// Result of the call: answered, missed, not-reached, busy, in-progress or unknown (no end logged)
    #[arg(long, value_name = "RESULT", value_parser = parse_status, add = CompletionKind::Words(&RESULTS))]
    pub status: Option<Outcome>,
    #[command(flatten)]
    pub content: ContentArgs,
    /// Calls that began then or later: 2025-11-30, '2025-11-30 09:00', 30.11, 09:00, 3h, yesterday, monday, RFC 3339
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = CompletionKind::Words(&MOMENTS))]
    pub since: Option<String>,
    /// Calls that began before then; a day is included
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = CompletionKind::Words(&MOMENTS))]
    pub until: Option<String>,
    /// Calls with at least this talk time: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_talk: Option<i64>,
    /// Calls that rang at least this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_ring: Option<i64>,
    /// Calls in which the client was transferred
    #[arg(long)]
    pub transferred: bool,
    /// Calls with an event that never arrived and was recovered from the host's journal
    #[arg(long)]
    pub recovered: bool,
    /// Calls with this fault: message_not_sent, wrong_number, request_failed, message_repeated, message_left_standing, wrong_duration, name_lookup_failed, no_end, name_lookup_empty, text_cut or response_cut
    #[arg(long, value_name = "CODE", value_parser = parse_fault, add = CompletionKind::Words(&*FAULTS))]
    pub fault: Option<FaultCode>,
}

impl CallArgs {
    /// The typed filters without the period: option and value, in a fixed order. Without `ENTERPRISE` the filters mean
    /// all enterprises.
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

/// The time in which a missed call counts as returned.
#[derive(Debug, Clone, Copy, Args)]
pub struct WithinArgs {
    /// Count a missed call as returned if the client is called back within this time
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
      the calls of a client; the last 7 digits are enough
  calltrace search --status missed --since yesterday
      missed calls in all enterprises
  calltrace search 0367 --lines --http-status 5xx -C 2
      failed requests, each with 2 records before and after",
    after_long_help = "\
Filters on the call (phone, ext, trunk, chat, direction, status, min-*, transferred, recovered, fault, since, until) \
must all hold. Filters on a record (event, kind, http-status, min-request, action, message, text, regex) must all hold for one \
of its records. With --lines all of them are filters on a record, and records are shown as in calltrace tail, \
with the match marked; in a pipe they are not cut, and --format raw prints the lines as they are in the files.

Exit status: 0 found, 1 nothing found though everything was searched, 2 an error or an incomplete \
search (what was found is still printed)."
)]
pub struct SearchArgs {
    #[command(flatten)]
    pub calls: CallArgs,
    /// Missed calls; short for --status missed
    #[arg(long, conflicts_with = "status")]
    pub missed: bool,
    /// Answered calls; short for --status answered
    #[arg(long, conflicts_with_all = ["status", "missed", "not_returned"])]
    pub answered: bool,
    /// Missed calls that were not returned: no one called back, and the client did not get through by ringing again
    #[arg(long)]
    pub not_returned: bool,
    /// Show for missed calls whether, when and by whom the client was called back
    #[arg(long)]
    pub callbacks: bool,
    #[command(flatten)]
    pub within: WithinArgs,
    /// Show at most this many, the newest; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Print only the number of all matches
    #[arg(short, long)]
    pub count: bool,
    /// Join only legs that ids connect
    #[arg(long)]
    pub strict: bool,
    /// Print matching records instead of calls
    #[arg(long)]
    pub lines: bool,
    /// With --lines: print each record completely, instead of one line
    #[arg(long, requires = "lines")]
    pub full: bool,
    /// With --lines --count: count the records of each event, kind, action or enterprise
    #[arg(long, value_name = "BY", requires_all = ["lines", "count"])]
    pub by: Option<LinesBy>,
    /// With --lines: print this many records after each match
    #[arg(short = 'A', long, value_name = "N", requires = "lines")]
    pub after_context: Option<usize>,
    /// With --lines: print this many records before each match
    #[arg(short = 'B', long, value_name = "N", requires = "lines")]
    pub before_context: Option<usize>,
    /// With --lines: print this many records before and after each match
    #[arg(short = 'C', long, value_name = "N", requires = "lines")]
    pub context: Option<usize>,
    /// Output format; raw is the original lines of every call found
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SearchFormat,
    /// With --format csv: do not mark texts that a spreadsheet may take for formulas
    #[arg(long)]
    pub raw_csv: bool,
}

impl SearchArgs {
    /// The requested result, from `--status` or its short forms.
    pub fn status(&self) -> Option<Outcome> {
        let missed = self.missed.then_some(Outcome::Missed);
        let answered = self.answered.then_some(Outcome::Answered);
        self.calls.status.or(missed).or(answered)
    }

    /// The number of rows to show; `None` for all rows, or if rows are only counted.
    pub fn limit(&self) -> Option<usize> {
        Some(self.limit).filter(|&limit| limit > 0 && !self.count)
    }
}

/// Formats of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SearchFormat {
    /// Text for people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON value per row, then a report.
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
    /// The lines as they are in the files.
    Raw,
}

/// What `--lines --count` counts records by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LinesBy {
    /// Asterisk event.
    Event,
    /// Kind of record.
    Kind,
    /// Action of a Telegram record.
    Action,
    /// Enterprise of the record.
    Enterprise,
}
