//! What went wrong around a call: with the messages about it, the requests for it, its log. Data only.
//!
//! A fault is a code that stays, a severity, and the records that show it. A person who is not reached
//! is no fault.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Event, Fact, Lookup, MessageAction, RequestResult};
use super::messages::MessageLife;
use super::summary::{Outcome, Summary};
use crate::call::channels::endpoint;
use crate::call::fact::local_target;
use crate::record::{Place, Stamp, phone};

/// The bot takes back the message of one stage this long after it sent the next at most (milliseconds).
const REPLACED_MILLIS: i64 = 5_000;

/// Messages about the end of a call are sent within this many milliseconds of it; before that nothing is
/// missing yet.
const PENDING_MILLIS: i64 = 60_000;

/// A message states whole seconds, and its writer measures from its own events.
const DURATION_SLACK_MILLIS: i64 = 3_000;

/// How much a fault matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; nothing is wrong with the call.
    Note,
    /// Something is not as it should be.
    Warning,
    /// People were told nothing, or something wrong, or another system was.
    Problem,
}

/// What is wrong, in the order in which faults are named. The names in [`FaultCode::name`] stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultCode {
    /// A chat was told of the call, and never of its end.
    MessageNotSent,
    /// A message holds a number that is none of the call's.
    WrongNumber,
    /// A request failed that was not for a name.
    RequestFailed,
    /// A message was sent to a chat while an earlier one of the same stage still stood there.
    MessageRepeated,
    /// A message about the ringing or the talk still stands after the end of the call.
    MessageLeftStanding,
    /// A message states a length of the talk that is not the talk's.
    WrongDuration,
    /// A request for a name failed.
    NameLookupFailed,
    /// The call is not in progress, and no end was logged.
    NoEnd,
    /// A request for a name found none.
    NameLookupEmpty,
    /// The text of a message was cut by the writer of the log.
    TextCut,
    /// The answer to a request was cut by the writer of the log.
    ResponseCut,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub code: FaultCode,
    /// The records that show it: indexes into the call's facts, in ascending order; never empty.
    pub records: Vec<usize>,
}

impl FaultCode {
    /// All codes, in the order in which faults are named.
    pub const ALL: [FaultCode; 11] = [
        FaultCode::MessageNotSent,
        FaultCode::WrongNumber,
        FaultCode::RequestFailed,
        FaultCode::MessageRepeated,
        FaultCode::MessageLeftStanding,
        FaultCode::WrongDuration,
        FaultCode::NameLookupFailed,
        FaultCode::NoEnd,
        FaultCode::NameLookupEmpty,
        FaultCode::TextCut,
        FaultCode::ResponseCut,
    ];

    const fn row(self) -> (Severity, &'static str) {
        match self {
            FaultCode::MessageNotSent => (Severity::Problem, "message_not_sent"),
            FaultCode::WrongNumber => (Severity::Problem, "wrong_number"),
            FaultCode::RequestFailed => (Severity::Problem, "request_failed"),
            FaultCode::MessageRepeated => (Severity::Warning, "message_repeated"),
            FaultCode::MessageLeftStanding => (Severity::Warning, "message_left_standing"),
            FaultCode::WrongDuration => (Severity::Warning, "wrong_duration"),
            FaultCode::NameLookupFailed => (Severity::Warning, "name_lookup_failed"),
            FaultCode::NoEnd => (Severity::Warning, "no_end"),
            FaultCode::NameLookupEmpty => (Severity::Note, "name_lookup_empty"),
            FaultCode::TextCut => (Severity::Note, "text_cut"),
            FaultCode::ResponseCut => (Severity::Note, "response_cut"),
        }
    }

    /// The name in JSON and in `--fault`.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// How much it matters.
    pub const fn severity(self) -> Severity {
        self.row().0
    }
}

impl Severity {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Problem => "problem",
        }
    }
}

impl Fault {
    /// The faults of a call at the time `now`, the gravest first. The facts are in order of time and read
    /// with their texts, and `summary` is settled (see [`Summary::settle`]). A code stands there once at
    /// most. Empty for a call without.
    pub fn all(facts: &[Fact], summary: &Summary, now: Stamp) -> Vec<Fault> {
        let all = messages(facts, summary, now)
            .into_iter()
            .chain(texts(facts, summary))
            .chain(requests(facts))
            .chain(no_end(facts, summary));
        let found = all.filter(|(_, records)| !records.is_empty());
        let mut faults: Vec<Fault> = found
            .map(|(code, mut records)| {
                records.sort_unstable();
                records.dedup();
                Fault { code, records }
            })
            .collect();
        faults.sort_by_key(|fault| fault.code);
        faults
    }
}

/// A code, and the records that show it: of none it is no fault.
type FaultRecords = (FaultCode, Vec<usize>);

fn records_of(facts: &[Fact], wanted: impl Fn(&Fact) -> bool) -> Vec<usize> {
    let all = facts.iter().enumerate().filter(|(_, f)| wanted(f));
    all.map(|(at, _)| at).collect()
}

/// Whether it is a message that now says something.
fn tells(fact: &Fact) -> bool {
    matches!(
        fact.event,
        Event::Message(MessageAction::Send | MessageAction::Edit)
    )
}

/// What is wrong with the lives of messages. Each is one fault for all chats that it happened in.
fn messages(facts: &[Fact], summary: &Summary, now: Stamp) -> [FaultRecords; 3] {
    let lives = MessageLife::all(facts);
    let over = facts.iter().rev().find(|f| f.is_asterisk()).map(|f| f.at);
    let is_over = summary.ended && summary.outcome != Outcome::InProgress;
    let over = over.filter(|at| is_over && now.since(*at) > PENDING_MILLIS);
    let sendings: BTreeMap<Place, usize> = facts
        .iter()
        .enumerate()
        .filter(|(_, f)| f.event == Event::Message(MessageAction::Send))
        .map(|(at, f)| (f.place, at))
        .collect();
    let sending = |life: &MessageLife| sendings.get(&life.sent_at?).copied();
    let mut repeated = Vec::new();
    let mut latest: BTreeMap<(&str, &str), &MessageLife> = BTreeMap::new();
    for life in &lives {
        let Some(sent) = life.sent else { continue };
        let earlier = latest.insert((&life.chat, &life.stage), life);
        let stood = |it: &&MessageLife| {
            it.deleted
                .is_none_or(|gone| gone.since(sent) > REPLACED_MILLIS)
        };
        if let Some(stood) = earlier.filter(stood) {
            repeated.extend([stood, life].into_iter().filter_map(sending));
        }
    }
    let (mut standing, mut untold) = (Vec::new(), Vec::new());
    if over.is_some() {
        let is_last = |f: &&Fact| tells(f) && f.message_type() == FINAL_STAGE;
        let last = facts.iter().filter(is_last);
        let told: BTreeSet<&[u8]> = last.clone().map(Fact::chat).collect();
        // An edit may turn the message of one stage into that of the end.
        let turned: BTreeSet<(&[u8], &[u8])> = last
            .filter(|f| !f.message().is_empty())
            .map(|f| (f.chat(), f.message()))
            .collect();
        let is_early = |life: &&MessageLife| {
            life.sent.is_some() && matches!(&*life.stage, "start" | "dial" | "bridge")
        };
        for life in lives.iter().filter(is_early) {
            let (chat, message) = (life.chat.as_bytes(), life.message.as_bytes());
            if life.stands() && !turned.contains(&(chat, message)) {
                standing.extend(sending(life));
            }
            if !told.contains(chat) {
                untold.extend(sending(life));
            }
        }
    }
    [
        (FaultCode::MessageRepeated, repeated),
        (FaultCode::MessageLeftStanding, standing),
        (FaultCode::MessageNotSent, untold),
    ]
}

/// The stage of the message that stays.
const FINAL_STAGE: &[u8] = b"hangup";

/// What is wrong with what messages say.
fn texts(facts: &[Fact], summary: &Summary) -> [FaultRecords; 3] {
    let with = |wanted: &dyn Fn(&Fact) -> bool| records_of(facts, |f| tells(f) && wanted(f));
    let known = numbers(facts);
    let wrong_number = |f: &Fact| {
        f.numbers_in_text()
            .any(|number| !known.contains(&*phone::canonical(number)))
    };
    let wrong_duration = |f: &Fact| {
        let said = f
            .text_details
            .talk_seconds
            .map(|seconds| i64::from(seconds) * 1000);
        said.is_some_and(|said| !is_length(said, f.at, summary))
    };
    // Without an Asterisk event there is no call to compare with.
    let has_call = facts.iter().any(Fact::is_asterisk);
    let number = with(&|f| has_call && wrong_number(f));
    let duration = with(&|f| has_call && wrong_duration(f));
    [
        (FaultCode::WrongNumber, number),
        (FaultCode::WrongDuration, duration),
        (FaultCode::TextCut, with(&|f| f.text_details.cut)),
    ]
}

/// The numbers that stand in Asterisk events of the call, without their ways of dialling.
fn numbers(facts: &[Fact]) -> BTreeSet<Vec<u8>> {
    let mut known = BTreeSet::new();
    for fact in facts.iter().filter(|f| f.is_asterisk()) {
        let shown = [
            fact.phone(),
            fact.caller(),
            fact.connected(),
            fact.exten(),
            fact.trunk(),
            endpoint(fact.channel()),
            local_target(fact.channel()).unwrap_or_default(),
        ];
        for number in shown.into_iter().chain(fact.extensions()) {
            let digits = phone::digits_of(number);
            if !digits.is_empty() {
                known.insert(phone::canonical(digits).into_owned());
            }
        }
    }
    known
}

/// Whether a length is that of the talk, with the hold or without; or of what of it was over when the
/// message was sent, of a call that was handed on and went on.
fn is_length(said: i64, sent: Stamp, summary: &Summary) -> bool {
    let Some(talk) = summary.talk_millis else {
        // Nothing to compare with, unless nobody talked.
        return !summary.outcome.is_unanswered() || said <= DURATION_SLACK_MILLIS;
    };
    let fits = |length: i64| (said - length).abs() <= DURATION_SLACK_MILLIS;
    let hold = summary.hold_millis.unwrap_or(0);
    if fits(talk) || fits(talk + hold) {
        return true;
    }
    let mut talked = 0;
    let parts = summary.heard.iter().take_while(|heard| heard.from < sent);
    let first = summary.heard.first().map_or(sent, |heard| heard.from);
    parts.into_iter().any(|heard| {
        let begins = fits(heard.from.since(first));
        let Some(to) = heard.to.filter(|to| *to <= sent) else {
            return begins;
        };
        talked += to.since(heard.from);
        begins || fits(talked) || fits(to.since(first))
    })
}

fn requests(facts: &[Fact]) -> [FaultRecords; 4] {
    let looked_up = |lookup: Lookup| records_of(facts, |f| f.text_details.lookup == Some(lookup));
    let failed = records_of(facts, |f| {
        f.request_result() == Some(RequestResult::Failed) && f.text_details.lookup.is_none()
    });
    let cut = records_of(facts, |f| {
        matches!(f.event, Event::Http | Event::Sql) && f.text_details.cut
    });
    [
        (FaultCode::NameLookupFailed, looked_up(Lookup::Failed)),
        (FaultCode::NameLookupEmpty, looked_up(Lookup::Empty)),
        (FaultCode::RequestFailed, failed),
        (FaultCode::ResponseCut, cut),
    ]
}

fn no_end(facts: &[Fact], summary: &Summary) -> Option<FaultRecords> {
    let last = facts.iter().rposition(Fact::is_asterisk)?;
    let is_missing = !summary.ended && summary.outcome != Outcome::InProgress;
    is_missing.then(|| (FaultCode::NoEnd, vec![last]))
}
