//! Finds what went wrong around a call: in its messages, its requests and its log. Data only.
//!
//! A fault is a stable code, a severity, and the records that show it. It is not a fault that a person was
//! not reached.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Event, Fact, Lookup, MessageAction, RequestResult};
use super::messages::MessageLife;
use super::summary::{Outcome, Summary};
use crate::call::channels::endpoint;
use crate::call::fact::local_target;
use crate::record::{Place, Stamp, phone};

/// The bot deletes the message of one stage at most this long after it sent the message of the next
/// (milliseconds).
const REPLACED_MILLIS: i64 = 5_000;

/// Messages about the end of a call are sent within this many milliseconds after it; until then no message
/// counts as missing.
const PENDING_MILLIS: i64 = 60_000;

/// A message may differ from the talk by this much (milliseconds): it states whole seconds, and its writer
/// measures from its own events.
const DURATION_SLACK_MILLIS: i64 = 3_000;

/// How much a fault matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A remark; nothing is wrong with the call.
    Note,
    /// Something is not as it should be.
    Warning,
    /// People or another system got no information, or wrong information.
    Problem,
}

/// The kinds of fault, in the order in which faults are listed. The names in [`FaultCode::name`] are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultCode {
    /// A chat got a message about the call, but none about its end.
    MessageNotSent,
    /// A message holds a number that does not belong to the call.
    WrongNumber,
    /// A request failed, and it was not a name lookup.
    RequestFailed,
    /// A message was sent to a chat in which an earlier message of the same stage had not been deleted.
    MessageRepeated,
    /// A message about the ringing or the talk was not deleted after the end of the call.
    MessageLeftStanding,
    /// A message states a wrong length of the talk.
    WrongDuration,
    /// A name lookup failed.
    NameLookupFailed,
    /// The call is not in progress, and no end was logged.
    NoEnd,
    /// A name lookup found no name.
    NameLookupEmpty,
    /// The text of a message was cut by the writer of the log.
    TextCut,
    /// The answer to a request was cut by the writer of the log.
    ResponseCut,
}

/// One fault of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: FaultCode,
    /// The records that show it: indexes into the call's facts, in ascending order; never empty.
    pub records: Vec<usize>,
}

impl FaultCode {
    /// All codes, in the order in which faults are listed.
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

    /// How much the fault matters.
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
    /// The faults of a call at the time `now`, the most severe first. The facts are in order of time and read
    /// with their texts, and `summary` is settled (see [`Summary::settle`]). Each code occurs at most once.
    /// Empty for a call without faults.
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

/// A code, and the records that show it; without records there is no fault.
type FaultRecords = (FaultCode, Vec<usize>);

fn records_of(facts: &[Fact], wanted: impl Fn(&Fact) -> bool) -> Vec<usize> {
    let all = facts.iter().enumerate().filter(|(_, f)| wanted(f));
    all.map(|(at, _)| at).collect()
}

/// Whether the record is about a message that was sent or edited.
fn is_shown_message(fact: &Fact) -> bool {
    matches!(
        fact.event,
        Event::Message(MessageAction::Send | MessageAction::Edit)
    )
}

/// Finds messages that were repeated, not deleted, or not sent. A fault in several chats is one fault.
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
    let (mut standing, mut not_sent) = (Vec::new(), Vec::new());
    if over.is_some() {
        let is_last = |f: &&Fact| is_shown_message(f) && f.message_type() == FINAL_STAGE;
        let last = facts.iter().filter(is_last);
        let final_chats: BTreeSet<&[u8]> = last.clone().map(Fact::chat).collect();
        // An edit may turn the message of one stage into the message about the end.
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
            if !final_chats.contains(chat) {
                not_sent.extend(sending(life));
            }
        }
    }
    [
        (FaultCode::MessageRepeated, repeated),
        (FaultCode::MessageLeftStanding, standing),
        (FaultCode::MessageNotSent, not_sent),
    ]
}

/// The stage of the message about the end of a call, which stays in the chat.
const FINAL_STAGE: &[u8] = b"hangup";

/// Faults in the texts of messages.
fn texts(facts: &[Fact], summary: &Summary) -> [FaultRecords; 3] {
    let with =
        |wanted: &dyn Fn(&Fact) -> bool| records_of(facts, |f| is_shown_message(f) && wanted(f));
    let known = numbers(facts);
    let wrong_number = |f: &Fact| {
        f.numbers_in_text()
            .any(|number| !known.contains(&*phone::canonical(number)))
    };
    let wrong_duration = |f: &Fact| {
        let stated = f
            .text_details
            .talk_seconds
            .map(|seconds| i64::from(seconds) * 1000);
        stated.is_some_and(|stated| !is_length(stated, f.at, summary))
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

/// The numbers in the Asterisk events of the call, in canonical form.
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

/// Whether a length fits the talk, with the hold or without it. In a call that was transferred and went on,
/// it may also fit the part that was over when the message was sent.
fn is_length(stated: i64, sent: Stamp, summary: &Summary) -> bool {
    let Some(talk) = summary.talk_millis else {
        // Without a known talk there is nothing to compare with, unless no person was reached.
        return !summary.outcome.is_unanswered() || stated <= DURATION_SLACK_MILLIS;
    };
    let fits = |length: i64| (stated - length).abs() <= DURATION_SLACK_MILLIS;
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
