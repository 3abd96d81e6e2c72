//! What happened in a call, at a glance.

use super::fact::{CallType, Event, Fact};
use super::messages::{MessageLife, MessageTotals};
use super::talk::{Talk, endpoint, is_extension, party};
use crate::record::{Stamp, phone};

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to us.
    Incoming,
    /// From us to a client.
    Outgoing,
    /// Between our extensions.
    Internal,
    /// Nothing says.
    Unknown,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Somebody talked to somebody.
    Answered,
    /// Nobody picked up.
    Missed,
    /// Not over, as far as the records go, and nobody has picked up yet.
    Unknown,
}

/// A channel of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Its UniqueId.
    pub uid: String,
    /// Extension, outside number or line; `Local` for a Local channel; empty when nothing says.
    pub label: String,
    /// Its channel's name; empty when no record has it.
    pub channel: String,
    /// Time of its first record.
    pub first: Stamp,
    /// Time of its last record.
    pub last: Stamp,
}

/// A call at a glance. Times are record times; durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The leg that start, dial and hangup speak of.
    pub main_uid: String,
    /// First record.
    pub first: Stamp,
    /// Last record.
    pub last: Stamp,
    /// Which way.
    pub direction: Direction,
    /// The outside number, digits only; of an internal call the calling extension. Empty if
    /// nothing says.
    pub client: String,
    /// The line; empty for internal calls.
    pub trunk: String,
    /// Whom it rang, in order; of an outgoing call who called.
    pub rang: Vec<String>,
    /// Our party who talked first: extension or forwarded mobile.
    pub answered_by: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// CallStatus of the main leg's hangup, one character, as the host wrote it.
    pub call_status: Option<u8>,
    /// From the first dial to the second channel in a bridge; of a missed call to its hangup.
    /// `None` when either end is missing.
    pub ring_millis: Option<i64>,
    /// From the second channel in a bridge to the last one leaving (to the hangup, where nobody's
    /// leaving was logged). `None` when nobody talked or no end is known.
    pub talk_millis: Option<i64>,
    /// Completed transfers: how often the client got other people to talk to.
    pub transfers: usize,
    /// Whom the client was transferred to, one after the other.
    pub transferred_to: Vec<String>,
    /// The main leg hung up, or all that talked have left.
    pub ended: bool,
    /// The host's mark "started from CRM" is on a record; a hint.
    pub crm: bool,
    /// Its Telegram messages.
    pub messages: MessageTotals,
    /// HTTP requests.
    pub http: usize,
    /// HTTP requests whose status is not 1xx to 3xx.
    pub http_failed: usize,
    /// SQL queries.
    pub sql: usize,
    /// Asterisk events.
    pub events: usize,
    /// All its channels, the main leg first.
    pub legs: Vec<Leg>,
}

impl Summary {
    /// Sums up the records of one call, in order of time. `None` for no records.
    pub fn of(facts: &[Fact]) -> Option<Summary> {
        let (first, last) = (facts.first()?.at, facts.last()?.at);
        let main = main_uid(facts).unwrap_or_default().to_vec();
        let direction = direction(facts, &main);
        let client = client(facts, &main, direction);
        let followed = client_channel(facts, &main, direction, &client);
        let talk = Talk::followed(facts, followed);
        let hangup = main_hangup(facts, &main);
        let call_status = hangup.and_then(|f| f.call_status);
        let outcome = outcome(facts, call_status, hangup.is_some(), &talk);
        let lives = MessageLife::all(facts);
        let http = facts.iter().filter(|f| f.event == Event::Http);
        let dialled = dialled(facts, &main);
        let answered_by = (outcome == Outcome::Answered)
            .then(|| answered_by(facts, direction, &dialled, &talk))
            .flatten();
        Some(Summary {
            first,
            last,
            direction,
            trunk: first_text(facts.iter().map(Fact::trunk)),
            rang: dialled,
            answered_by,
            outcome,
            call_status,
            ring_millis: ring(facts, &main, outcome, hangup, &talk),
            talk_millis: talk_millis(facts, &talk),
            transfers: talk.partners.len().saturating_sub(1),
            transferred_to: talk.partners.iter().skip(1).cloned().collect(),
            ended: hangup.is_some() || (talk.begin.is_some() && !talk.open),
            crm: facts.iter().any(|f| f.crm),
            messages: MessageTotals::of(&lives),
            http: http.clone().count(),
            http_failed: http.filter(|f| !is_success(f.http_status())).count(),
            sql: facts.iter().filter(|f| f.event == Event::Sql).count(),
            events: facts.iter().filter(|f| f.is_asterisk()).count(),
            legs: legs(facts, &main),
            main_uid: text(&main),
            client,
        })
    }
}

/// The leg that speaks for the call: that of start; else of a dial that rings for us (a forwarded
/// leg dials *for* an outside number); else of a dial; else of a hangup; else the first there is.
pub(super) fn main_uid(facts: &[Fact]) -> Option<&[u8]> {
    let forwarded = |f: &Fact| {
        f.call_type == Some(CallType::Outgoing)
            && f.extensions()
                .any(|e| phone::is_external(phone::digits_of(e)))
    };
    let rank = |f: &Fact| match f.event {
        Event::Start => 0,
        Event::Dial if !forwarded(f) => 1,
        Event::Dial => 3,
        // A consultation hangs up as well, in the middle of an outside call.
        Event::Hangup if f.call_type != Some(CallType::Internal) && !forwarded(f) => 2,
        Event::Hangup => 4,
        _ => 5,
    };
    facts
        .iter()
        .filter(|f| !f.uid().is_empty())
        .min_by_key(|f| (rank(f), f.at, f.place))
        .map(Fact::uid)
}

fn direction(facts: &[Fact], main: &[u8]) -> Direction {
    // The emulator writes the number of its test pattern into CallType.
    if main.starts_with(b"test_") {
        return Direction::Unknown;
    }
    let own = || {
        facts
            .iter()
            .filter(|f| f.is_call_event() && f.uid() == main)
    };
    // The host writes 0 for some internal calls.
    let short = |number: &[u8]| is_extension(phone::digits_of(number));
    if own().any(|f| short(f.phone()) && f.extensions().all(short)) {
        return Direction::Internal;
    }
    match own().find_map(|f| f.call_type) {
        Some(CallType::Incoming) => Direction::Incoming,
        Some(CallType::Outgoing) => Direction::Outgoing,
        Some(CallType::Internal) => Direction::Internal,
        None => Direction::Unknown,
    }
}

fn client(facts: &[Fact], main: &[u8], direction: Direction) -> String {
    let own = facts
        .iter()
        .filter(|f| f.is_call_event() && f.uid() == main)
        .map(|f| phone::digits_of(f.phone()));
    let shown = facts
        .iter()
        .flat_map(|f| [f.caller(), f.connected()])
        .map(phone::digits_of)
        .filter(|digits| phone::is_external(digits));
    let stated = first_text(own);
    if stated.is_empty() && direction != Direction::Internal {
        first_text(shown)
    } else {
        stated
    }
}

/// The channel whose partners are "the other side": the client's; of an internal call the
/// caller's.
fn client_channel<'f>(
    facts: &'f [Fact],
    main: &'f [u8],
    direction: Direction,
    client: &str,
) -> &'f [u8] {
    if matches!(direction, Direction::Incoming | Direction::Internal) {
        return main;
    }
    facts
        .iter()
        .filter(|f| f.event == Event::Bridge && !f.channel().starts_with(b"Local/"))
        .find(|f| {
            !is_extension(endpoint(f.channel()))
                && phone::same_number(f.caller(), client.as_bytes())
        })
        .map_or(main, Fact::uid)
}

fn main_hangup<'f>(facts: &'f [Fact], main: &[u8]) -> Option<&'f Fact> {
    facts
        .iter()
        .rfind(|f| f.event == Event::Hangup && f.uid() == main)
}

/// What the main leg's hangup says in so many words, if it does.
pub(super) fn stated_outcome(facts: &[Fact]) -> Option<Outcome> {
    let main = main_uid(facts)?;
    outcome_of_status(main_hangup(facts, main)?.call_status)
}

/// CallStatus "2" is answered, "0" not; the emulator adds "3" no answer and "4" cancelled. The
/// others don't say.
fn outcome_of_status(call_status: Option<u8>) -> Option<Outcome> {
    match call_status? {
        b'2' => Some(Outcome::Answered),
        b'0' | b'3' | b'4' => Some(Outcome::Missed),
        _ => None,
    }
}

fn outcome(facts: &[Fact], call_status: Option<u8>, hung_up: bool, talk: &Talk) -> Outcome {
    if let Some(stated) = outcome_of_status(call_status) {
        return stated;
    }
    let mut hangups = facts.iter().filter(|f| f.event == Event::Hangup);
    if talk.begin.is_some() || hangups.any(|f| f.call_status == Some(b'2')) {
        Outcome::Answered
    } else if hung_up {
        Outcome::Missed
    } else {
        Outcome::Unknown
    }
}

/// Whom the main leg rang: the Extensions of its dials, each once; else of its hangup.
fn dialled(facts: &[Fact], main: &[u8]) -> Vec<String> {
    let mut rang: Vec<String> = Vec::new();
    for event in [Event::Dial, Event::Hangup] {
        let own = facts.iter().filter(|f| f.event == event && f.uid() == main);
        for extension in own.flat_map(Fact::extensions).map(text) {
            if !rang.contains(&extension) {
                rang.push(extension);
            }
        }
        if !rang.is_empty() {
            break;
        }
    }
    rang
}

fn answered_by(
    facts: &[Fact],
    direction: Direction,
    dialled: &[String],
    talk: &Talk,
) -> Option<String> {
    if direction == Direction::Outgoing
        && let Some(caller) = dialled.first()
    {
        return Some(caller.clone());
    }
    let told = || {
        let hangups = facts.iter().rev().filter(|f| f.event == Event::Hangup);
        hangups.flat_map(Fact::extensions).map(text).next()
    };
    talk.partners.first().cloned().or_else(told)
}

fn ring(
    facts: &[Fact],
    main: &[u8],
    outcome: Outcome,
    hangup: Option<&Fact>,
    talk: &Talk,
) -> Option<i64> {
    let dials = || facts.iter().filter(|f| f.event == Event::Dial);
    let dial = dials()
        .find(|f| f.uid() == main)
        .or_else(|| dials().next())?;
    let end = match outcome {
        Outcome::Answered => talk.begin?,
        Outcome::Missed => hangup?.at,
        Outcome::Unknown => return None,
    };
    (end >= dial.at).then(|| end.since(dial.at))
}

fn talk_millis(facts: &[Fact], talk: &Talk) -> Option<i64> {
    let begin = talk.begin?;
    let hangup = || {
        facts
            .iter()
            .rfind(|f| f.event == Event::Hangup)
            .map(|f| f.at)
    };
    let end = talk.end.or_else(hangup)?;
    (end >= begin).then(|| end.since(begin))
}

fn legs(facts: &[Fact], main: &[u8]) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    let mut order: Vec<&[u8]> = Vec::new();
    if facts.iter().any(|f| f.uid() == main) && !main.is_empty() {
        order.push(main);
    }
    for fact in facts {
        if !fact.uid().is_empty() && !order.contains(&fact.uid()) {
            order.push(fact.uid());
        }
    }
    for uid in order {
        let own = || facts.iter().filter(|f| f.uid() == uid);
        let named = own().find(|f| !f.channel().is_empty());
        let channel = named.map(Fact::channel).unwrap_or_default();
        let label = match named {
            Some(f) if f.channel().starts_with(b"Local/") => "Local".to_owned(),
            Some(f) => party(f.channel(), f.caller()).unwrap_or_default(),
            None => String::new(),
        };
        let (Some(first), Some(last)) = (own().next(), own().next_back()) else {
            continue;
        };
        legs.push(Leg {
            uid: text(uid),
            label,
            channel: text(channel),
            first: first.at,
            last: last.at,
        });
    }
    legs
}

/// Whether an HTTP status says that the request was served: 100 to 399.
pub fn is_success(status: &[u8]) -> bool {
    matches!(status, [b'1'..=b'3', b, c] if b.is_ascii_digit() && c.is_ascii_digit())
}

fn first_text<'f>(mut fields: impl Iterator<Item = &'f [u8]>) -> String {
    fields
        .find(|field| !field.is_empty())
        .map(text)
        .unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
