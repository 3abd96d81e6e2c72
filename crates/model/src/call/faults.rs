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

/// What is wrong. The names in [`FaultCode::name`] stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultCode {
    /// A message was sent to a chat while an earlier one of the same stage still stood there.
    MessageRepeated,
    /// A message about the ringing or the talk still stands after the end of the call.
    MessageLeftStanding,
    /// A chat was told of the call, and never of its end.
    MessageNotSent,
    /// A message holds a number that is none of the call's.
    WrongNumber,
    /// A message states a length of the talk that is not the talk's.
    WrongDuration,
    /// A request for a name failed.
    NameLookupFailed,
    /// A request for a name found none.
    NameLookupEmpty,
    /// Another request failed.
    RequestFailed,
    /// The call is not in progress, and no end was logged.
    NoEnd,
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

    /// The name in JSON and in `--fault`.
    pub const fn name(self) -> &'static str {
        match self {
            FaultCode::MessageRepeated => "message_repeated",
            FaultCode::MessageLeftStanding => "message_left_standing",
            FaultCode::MessageNotSent => "message_not_sent",
            FaultCode::WrongNumber => "wrong_number",
            FaultCode::WrongDuration => "wrong_duration",
            FaultCode::NameLookupFailed => "name_lookup_failed",
            FaultCode::NameLookupEmpty => "name_lookup_empty",
            FaultCode::RequestFailed => "request_failed",
            FaultCode::NoEnd => "no_end",
            FaultCode::TextCut => "text_cut",
            FaultCode::ResponseCut => "response_cut",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            FaultCode::MessageNotSent | FaultCode::WrongNumber | FaultCode::RequestFailed => {
                Severity::Problem
            }
            FaultCode::MessageRepeated
            | FaultCode::MessageLeftStanding
            | FaultCode::WrongDuration
            | FaultCode::NameLookupFailed
            | FaultCode::NoEnd => Severity::Warning,
            FaultCode::NameLookupEmpty | FaultCode::TextCut | FaultCode::ResponseCut => {
                Severity::Note
            }
        }
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
    /// with their texts, and `summary` is settled (see [`Summary::settle`]). Empty for a call without.
    pub fn all(facts: &[Fact], summary: &Summary, now: Stamp) -> Vec<Fault> {
        let mut faults = messages(facts, summary, now);
        faults.extend(texts(facts, summary));
        faults.extend(requests(facts));
        faults.extend(no_end(facts, summary));
        let rank = |fault: &Fault| FaultCode::ALL.iter().position(|code| *code == fault.code);
        faults.sort_by_key(|fault| (rank(fault), fault.records.clone()));
        faults
    }
}

/// What is wrong with the lives of messages. Each is one fault for all chats that it happened in.
fn messages(facts: &[Fact], summary: &Summary, now: Stamp) -> Vec<Fault> {
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
        let last = facts.iter().filter(|f| {
            let tells = matches!(
                f.event,
                Event::Message(MessageAction::Send | MessageAction::Edit)
            );
            tells && f.message_type() == FINAL_STAGE
        });
        let told: BTreeSet<&[u8]> = last.clone().map(Fact::chat).collect();
        // An edit may turn the message of one stage into that of the end.
        let turned: BTreeSet<(&[u8], &[u8])> = last
            .filter(|f| !f.message().is_empty())
            .map(|f| (f.chat(), f.message()))
            .collect();
        let early = lives
            .iter()
            .filter(|life| life.sent.is_some() && is_stage(&life.stage));
        for life in early {
            let (chat, message) = (life.chat.as_bytes(), life.message.as_bytes());
            if life.stands() && !turned.contains(&(chat, message)) {
                standing.extend(sending(life));
            }
            if !told.contains(chat) {
                untold.extend(sending(life));
            }
        }
    }
    let all = [
        (FaultCode::MessageRepeated, repeated),
        (FaultCode::MessageLeftStanding, standing),
        (FaultCode::MessageNotSent, untold),
    ];
    all.into_iter()
        .filter_map(|(code, records)| fault(code, records))
        .collect()
}

/// The stage of the message that stays.
const FINAL_STAGE: &[u8] = b"hangup";

fn is_stage(stage: &str) -> bool {
    matches!(stage, "start" | "dial" | "bridge")
}

/// What is wrong with what messages say.
fn texts(facts: &[Fact], summary: &Summary) -> Vec<Fault> {
    let told = |f: &Fact| {
        matches!(
            f.event,
            Event::Message(MessageAction::Send | MessageAction::Edit)
        )
    };
    let with = |wanted: &dyn Fn(&Fact) -> bool| -> Vec<usize> {
        let all = facts
            .iter()
            .enumerate()
            .filter(|(_, f)| told(f) && wanted(f));
        all.map(|(at, _)| at).collect()
    };
    let known = numbers(facts);
    let wrong_number = |f: &Fact| {
        f.numbers_said()
            .any(|number| !known.contains(&*phone::canonical(number)))
    };
    let wrong_duration = |f: &Fact| {
        let said = f.said.talk_seconds.map(|seconds| i64::from(seconds) * 1000);
        said.is_some_and(|said| !is_length(said, f.at, summary))
    };
    // Without an Asterisk event there is no call to compare with.
    let has_call = facts.iter().any(Fact::is_asterisk);
    let all = [
        (
            FaultCode::WrongNumber,
            with(&|f| has_call && wrong_number(f)),
        ),
        (
            FaultCode::WrongDuration,
            with(&|f| has_call && wrong_duration(f)),
        ),
        (FaultCode::TextCut, with(&|f| f.said.cut)),
    ];
    all.into_iter()
        .filter_map(|(code, records)| fault(code, records))
        .collect()
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

fn requests(facts: &[Fact]) -> Vec<Fault> {
    let with = |wanted: &dyn Fn(&Fact) -> bool| -> Vec<usize> {
        let all = facts.iter().enumerate().filter(|(_, f)| wanted(f));
        all.map(|(at, _)| at).collect()
    };
    let failed = |f: &Fact| f.request_result() == Some(RequestResult::Failed);
    let lookup = |f: &Fact| f.said.lookup;
    let is_request = |f: &Fact| matches!(f.event, Event::Http | Event::Sql);
    let all = [
        (
            FaultCode::NameLookupFailed,
            with(&|f| lookup(f) == Some(Lookup::Failed)),
        ),
        (
            FaultCode::NameLookupEmpty,
            with(&|f| lookup(f) == Some(Lookup::Empty)),
        ),
        (
            FaultCode::RequestFailed,
            with(&|f| failed(f) && lookup(f).is_none()),
        ),
        (
            FaultCode::ResponseCut,
            with(&|f| is_request(f) && f.said.cut),
        ),
    ];
    all.into_iter()
        .filter_map(|(code, records)| fault(code, records))
        .collect()
}

fn no_end(facts: &[Fact], summary: &Summary) -> Option<Fault> {
    let last = facts.iter().rposition(Fact::is_asterisk)?;
    let is_missing = !summary.ended && summary.outcome != Outcome::InProgress;
    is_missing
        .then(|| fault(FaultCode::NoEnd, vec![last]))
        .flatten()
}

fn fault(code: FaultCode, mut records: Vec<usize>) -> Option<Fault> {
    records.sort_unstable();
    records.dedup();
    (!records.is_empty()).then_some(Fault { code, records })
}
