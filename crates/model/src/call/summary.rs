//! Sums up what happened in a call.

mod details;
mod outcome;
mod ringing;
mod unanswered_transfer;

use super::channels::{endpoint, is_extension, party};
use super::digest::Digest;
use super::fact::{CallType, Event, Fact, RequestResult};
use super::main_leg::{main_hangup, main_uid, rings_on};
use super::messages::{MessageLife, MessageTotals};
use super::reach;
use super::talk::{Talk, TalkSpan, Transfer};
use crate::record::{Stamp, id, phone};
use details::{message_lags, requests};
use ringing::ringing;
use unanswered_transfer::unanswered_transfer;

pub use details::Request;
pub use outcome::{Direction, Outcome};
pub use ringing::{RingOutcome, Ringing};

/// A channel of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub uid: String,
    /// Extension, outside number or line; `Local` for a Local channel; empty when the records do not show it.
    pub label: String,
    /// The name of the channel; empty when no record has it.
    pub channel: String,
    /// Time of its first record.
    pub first: Stamp,
    /// Time of its last record.
    pub last: Stamp,
}

/// The summary of a call. Times are record times; durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The main leg, which start, dial and hangup are about.
    pub main_uid: String,
    /// Time of the first record.
    pub first: Stamp,
    /// Time of the last record.
    pub last: Stamp,
    pub direction: Direction,
    /// The outside number, digits only; for an internal call, the calling extension. Empty if the records do
    /// not show it.
    pub client: String,
    /// The line; empty for internal calls.
    pub trunk: String,
    /// The parties that the call rang, in order; for an outgoing call, the caller.
    pub rang: Vec<String>,
    /// The first person that the other side heard: an extension or a forwarded mobile. `None` for an outgoing
    /// call, which the client answers.
    pub answered_by: Option<String>,
    pub outcome: Outcome,
    /// The CallStatus of the main leg's hangup, one character, as the host wrote it.
    pub call_status: Option<u8>,
    /// From the first dial to the first person; for a call that reached none, to its hangup. `None` when
    /// either end is missing.
    pub ring_millis: Option<i64>,
    /// From the first event to the first person; for a call that reached none, to its hangup.
    pub wait_millis: Option<i64>,
    /// How long the other side heard a person. `None` when it heard none or no end is known.
    pub talk_millis: Option<i64>,
    /// How long the other side heard no one after the first person and before it left, as far as bridges show
    /// it (the hold key of a telephone changes no bridge). `None` as for talk.
    pub hold_millis: Option<i64>,
    /// Who was heard by the other side, and when.
    pub heard: Vec<TalkSpan>,
    /// Who was rung, and when.
    pub ringing: Vec<Ringing>,
    /// The number of completed transfers, after which the client talked to other people.
    pub transfers: usize,
    /// All transfers, including those that failed.
    pub handed_on: Vec<Transfer>,
    /// The parties to which the client was transferred, one after the other.
    pub transferred_to: Vec<String>,
    /// Who ended the talk, as far as the order in which the parties left the bridge shows it. `None` for a
    /// call that reached no person, has no end, or was transferred to a party that did not pick up.
    pub hung_up_by: Option<String>,
    /// Whether the call ended: the main leg hung up, or all who talked have left.
    pub ended: bool,
    /// Whether a record has the host's mark "started from CRM"; a hint.
    pub crm: bool,
    /// Numbers of its Telegram messages.
    pub messages: MessageTotals,
    /// The number of HTTP requests.
    pub http: usize,
    /// The number of HTTP requests that failed.
    pub http_failed: usize,
    /// Each HTTP request, in order of time.
    pub requests: Vec<Request>,
    /// For each message that was sent or edited, how long after the event before it (milliseconds).
    pub message_lags: Vec<i64>,
    /// The number of HTTP requests that were posted as the answer of an integration.
    pub integrations: usize,
    /// The number of records of Telegram messages: sent, edited or deleted.
    pub telegram: usize,
    /// The number of SQL queries.
    pub sql: usize,
    /// The number of Asterisk events.
    pub events: usize,
    /// The number of Asterisk events that never arrived and were recovered from the host's journal.
    pub recovered: usize,
    /// All its channels, the main leg first.
    pub legs: Vec<Leg>,
    /// Further searchable values of the records; `None` unless requested.
    pub digest: Option<Box<Digest>>,
}

impl Summary {
    /// Marks the call as in progress if more of its records may still come at the time `now`.
    pub fn settle(&mut self, facts: &[Fact], now: Stamp) {
        let waits = || now.since(self.last) < reach::silence(facts);
        self.outcome = self.outcome.settled(self.ended, waits);
    }

    /// The channel of "the other side"; see [`Summary::heard`].
    pub(super) fn followed<'f>(&'f self, facts: &'f [Fact]) -> &'f [u8] {
        client_channel(
            facts,
            self.main_uid.as_bytes(),
            self.direction,
            &self.client,
        )
    }

    /// The summary of a call of which nothing is known.
    pub fn empty() -> Summary {
        Summary {
            main_uid: String::new(),
            first: Stamp(0),
            last: Stamp(0),
            direction: Direction::Unknown,
            client: String::new(),
            trunk: String::new(),
            rang: Vec::new(),
            answered_by: None,
            outcome: Outcome::Unknown,
            call_status: None,
            ring_millis: None,
            wait_millis: None,
            talk_millis: None,
            hold_millis: None,
            heard: Vec::new(),
            ringing: Vec::new(),
            transfers: 0,
            handed_on: Vec::new(),
            transferred_to: Vec::new(),
            hung_up_by: None,
            ended: false,
            crm: false,
            messages: MessageTotals::default(),
            http: 0,
            http_failed: 0,
            requests: Vec::new(),
            message_lags: Vec::new(),
            integrations: 0,
            telegram: 0,
            sql: 0,
            events: 0,
            recovered: 0,
            legs: Vec::new(),
            digest: None,
        }
    }

    /// Sums up the records of one call, in order of time. `None` for no records.
    pub fn of(facts: &[Fact]) -> Option<Summary> {
        let mut summary = Summary::without_details(facts)?;
        summary.add_details(facts);
        Some(summary)
    }

    /// Adds who was rung, the requests and the lags of messages, which no criterion uses.
    pub fn add_details(&mut self, facts: &[Fact]) {
        self.ringing = ringing(facts, &self.heard);
        self.requests = requests(facts);
        self.message_lags = message_lags(facts);
    }

    /// The same as [`Summary::of`] without what [`Summary::add_details`] adds: most calls that criteria check
    /// are not shown.
    pub fn without_details(facts: &[Fact]) -> Option<Summary> {
        let (first, last) = (facts.first()?.at, facts.last()?.at);
        let main = main_uid(facts).unwrap_or_default().to_vec();
        let direction = direction(facts, &main);
        let client = client(facts, &main, direction);
        let followed = client_channel(facts, &main, direction, &client);
        let talk = Talk::followed(facts, followed, &client);
        let hangup = main_hangup(facts, &main);
        let call_status = hangup.and_then(|f| f.call_status);
        let ended = (hangup.is_some() || (talk.begin.is_some() && !talk.open)) && !rings_on(facts);
        let outcome = outcome(facts, direction, call_status, ended, &talk);
        let lives = MessageLife::all(facts);
        let http = facts.iter().filter(|f| f.event == Event::Http);
        let dialled = dialled(facts, &main);
        let answered_by = (outcome == Outcome::Answered && direction != Direction::Outgoing)
            .then(|| answered_by(facts, &main, &client, &talk))
            .flatten();
        let given_up = unanswered_transfer(facts, followed, &talk);
        let spoke = talk.talk_and_hold(last_hangup(facts), given_up.is_some());
        let reached = reached(outcome, hangup, &talk);
        let until = |from: Option<Stamp>| {
            let (from, to) = (from?, reached?);
            (to >= from).then(|| to.since(from))
        };
        let transferred_to = talk.transferred_to();
        let hung_up_by = talk.ended_by.filter(|_| ended && given_up.is_none());
        let mut handed_on = talk.transfers;
        handed_on.extend(given_up);
        Some(Summary {
            first,
            last,
            direction,
            trunk: first_text(facts.iter().map(Fact::trunk)),
            rang: dialled,
            answered_by,
            outcome,
            call_status,
            ring_millis: until(first_dial(facts, &main)),
            wait_millis: until(facts.iter().find(|f| f.is_asterisk()).map(|f| f.at)),
            talk_millis: spoke.map(|(talk, _)| talk),
            hold_millis: spoke.map(|(_, hold)| hold),
            ringing: Vec::new(),
            transfers: transferred_to.len(),
            transferred_to,
            hung_up_by,
            handed_on,
            heard: talk.heard,
            ended,
            crm: facts.iter().any(|f| f.crm),
            messages: MessageTotals::of(&lives),
            http: http.clone().count(),
            http_failed: http
                .filter(|f| f.request_result() == Some(RequestResult::Failed))
                .count(),
            requests: Vec::new(),
            message_lags: Vec::new(),
            integrations: facts.iter().filter(|f| f.integration).count(),
            telegram: facts
                .iter()
                .filter(|f| matches!(f.event, Event::Message(_)))
                .count(),
            sql: facts.iter().filter(|f| f.event == Event::Sql).count(),
            events: facts.iter().filter(|f| f.is_asterisk()).count(),
            recovered: facts.iter().filter(|f| f.recovered).count(),
            legs: legs(facts, &main),
            digest: None,
            main_uid: text(&main),
            client,
        })
    }
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
    // The host writes 0 for some internal calls. A call over a line is not internal, even with a short number
    // such as 103.
    let short = |number: &[u8]| is_extension(phone::digits_of(number));
    let over_a_line = own().any(|f| !f.trunk().is_empty());
    if !over_a_line && own().any(|f| short(f.phone()) && f.extensions().all(short)) {
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
    if !stated.is_empty() || direction == Direction::Internal {
        return stated;
    }
    let shown = first_text(shown);
    match shown.is_empty() {
        true => first_text(named(facts, main)),
        false => shown,
    }
}

/// The name that a caller without a number shows: `anonymous`, a SIP address.
fn named<'f>(facts: &'f [Fact], main: &'f [u8]) -> impl Iterator<Item = &'f [u8]> {
    let own = facts
        .iter()
        .filter(move |f| f.is_call_event() && f.uid() == main);
    let fields = own.flat_map(|f| [f.phone(), f.caller()]);
    fields.filter(|field| id::is_known(field) && phone::digits_of(field).is_empty())
}

/// The channel of "the other side": the client's channel; for an internal call, the caller's.
fn client_channel<'f>(
    facts: &'f [Fact],
    main: &'f [u8],
    direction: Direction,
    client: &str,
) -> &'f [u8] {
    if matches!(direction, Direction::Incoming | Direction::Internal) {
        return main;
    }
    // A short number (103) is not an extension when it is called over a line.
    let shows = |shown: &[u8]| {
        phone::same_number(shown, client.as_bytes())
            || !client.is_empty() && phone::digits_of(shown) == client.as_bytes()
    };
    facts
        .iter()
        .filter(|f| f.event == Event::Bridge && !f.channel().starts_with(b"Local/"))
        .find(|f| !is_extension(endpoint(f.channel())) && shows(f.caller()))
        .map_or(main, Fact::uid)
}

fn last_hangup(facts: &[Fact]) -> Option<Stamp> {
    let hangup = facts.iter().rfind(|f| f.event == Event::Hangup);
    hangup.map(|f| f.at)
}

/// Whether the main leg's hangup says by itself that the call was answered.
pub(super) fn is_stated_answered(facts: &[Fact]) -> bool {
    let hangup = main_uid(facts).and_then(|main| main_hangup(facts, main));
    hangup.is_some_and(|f| f.call_status == Some(ANSWERED))
}

/// The CallStatus of a call that was answered.
const ANSWERED: u8 = b'2';

/// A bridge in which the other side heard a person makes the call answered, even if CallStatus says
/// otherwise: CallStatus is the result of one Dial, and FollowMe or a queue may follow.
fn outcome(
    facts: &[Fact],
    direction: Direction,
    call_status: Option<u8>,
    ended: bool,
    talk: &Talk,
) -> Outcome {
    // "0" means not answered; the emulator adds "3" for no answer and "4" for cancelled. Other values do not
    // say.
    let is_denied = matches!(call_status, Some(b'0' | b'3' | b'4'));
    let is_answered = || {
        let mut hangups = facts.iter().filter(|f| f.event == Event::Hangup);
        hangups.any(|f| f.call_status == Some(ANSWERED))
    };
    if !talk.heard.is_empty() || call_status == Some(ANSWERED) || !is_denied && is_answered() {
        return Outcome::Answered;
    }
    // When several telephones were tried, the reason of the last one counts.
    let is_busy = || facts.iter().rev().find_map(|f| f.busy) == Some(true);
    match direction {
        _ if !ended => Outcome::Unknown,
        Direction::Incoming => Outcome::Missed,
        _ if is_busy() => Outcome::Busy,
        _ => Outcome::NotReached,
    }
}

/// The parties that the main leg rang: the Extensions of its dials, each once, or of its hangup if there is
/// no dial.
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

fn answered_by(facts: &[Fact], main: &[u8], client: &str, talk: &Talk) -> Option<String> {
    let other = |party: &String| {
        party != client && !phone::same_number(party.as_bytes(), client.as_bytes())
    };
    let outside = |e: &[u8]| phone::is_external(phone::digits_of(e));
    // The hangup of a mobile that was rung for the client has the mobile as its Phone.
    let dialled = |f: &Fact| match f.call_type {
        Some(CallType::Outgoing) if f.extensions().any(outside) => Some(text(f.phone())),
        _ => f.extensions().next().map(text),
    };
    let hangups = || facts.iter().rev().filter(|f| f.event == Event::Hangup);
    let counts = |f: &&Fact| f.call_status == Some(ANSWERED) || f.uid() == main;
    let heard = talk.heard.first().and_then(|heard| heard.with.first());
    heard
        .cloned()
        .or_else(|| hangups().filter(counts).filter_map(dialled).find(other))
}

fn first_dial(facts: &[Fact], main: &[u8]) -> Option<Stamp> {
    let dials = || facts.iter().filter(|f| f.event == Event::Dial);
    let dial = dials().find(|f| f.uid() == main);
    dial.or_else(|| dials().next()).map(|f| f.at)
}

/// When the waiting ended: with the first person, or with the hangup if the call reached none.
fn reached(outcome: Outcome, hangup: Option<&Fact>, talk: &Talk) -> Option<Stamp> {
    match outcome {
        Outcome::Answered => talk.first_heard(),
        _ if outcome.is_unanswered() => hangup.map(|f| f.at),
        _ => None,
    }
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

fn first_text<'f>(mut fields: impl Iterator<Item = &'f [u8]>) -> String {
    fields
        .find(|field| !field.is_empty())
        .map(text)
        .unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
