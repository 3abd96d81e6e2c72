//! Tells what happened in a call as steps. Data only: other crates have the words of each language.
//!
//! A [`Story`] gives the content of its [`Summary`] in the order of time: who called, who was rung, who
//! picked up and when, hold, consultations, transfers, messages, requests, the end. A participant is a number
//! or an extension, never a channel. Each step names the records that show it.

mod meetings;
mod notices;
mod people;
mod steps;

use super::fact::{Fact, Lookup, MessageAction, RequestResult};
use super::summary::{Direction, Outcome, RingOutcome, Summary};
use super::talk::{TransferKind, TransferResult};
use crate::record::Stamp;

pub use people::{PersonDoing, PersonLane, PersonSpan};

/// People do not notice a hold that is shorter than this (milliseconds).
pub const FELT_HOLD_MILLIS_MIN: i64 = 1_000;

/// How long a call was on hold (milliseconds); `None` when the hold was too short to notice.
pub fn felt_hold(s: &Summary) -> Option<i64> {
    s.hold_millis.filter(|held| *held >= FELT_HOLD_MILLIS_MIN)
}

/// A call as a sequence of steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// The steps in order of time.
    pub steps: Vec<Step>,
    /// Who took part, and what each did when: the client first, then the others in the order in which they
    /// joined the call.
    pub people: Vec<PersonLane>,
}

/// One step of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When the step began.
    pub at: Stamp,
    pub event: StepEvent,
    /// The records that show the step: indexes into the facts of the call, in ascending order.
    pub records: Vec<usize>,
}

impl Step {
    /// Whether one of its records never arrived and was recovered; `facts` are the facts of the call.
    pub fn is_recovered(&self, facts: &[Fact]) -> bool {
        let of = |at: &usize| facts.get(*at).is_some_and(|fact| fact.recovered);
        self.records.iter().any(of)
    }
}

/// A party that was rung, and how its ringing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RungParty {
    /// Extension or number.
    pub party: String,
    pub outcome: RingOutcome,
}

/// The event of a step. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEvent {
    /// The call began, and rang these parties at once.
    Called {
        direction: Direction,
        /// Who called: the client, or one of our parties; empty when the records do not show it.
        from: String,
        /// The line; empty for internal calls.
        line: String,
        /// Who is rung at once; in a call to outside, the client. Empty when parties are rung later or not at
        /// all.
        rings: Vec<RungParty>,
    },
    /// Further parties ring.
    Rang {
        who: Vec<RungParty>,
        /// Which of our parties called them; `None` if the call itself rang them.
        by: Option<String>,
    },
    /// The first person of the call picked up and hears the other side.
    Answered {
        /// Who picked up: one of our parties, or the client in a call to outside. Several where two were
        /// heard at once.
        by: Vec<String>,
        /// How long the call rang; `None` when no dial was logged.
        after: Option<i64>,
    },
    /// The other side hears no one.
    Held {
        /// Who was heard before.
        by: Vec<String>,
        /// The parties that are called during this time.
        calls: Vec<RungParty>,
        /// The time until a person was heard again or the other side left; `None` while it lasts.
        lasted: Option<i64>,
    },
    /// A blind transfer: the other side was transferred to these parties, who ring, and hears no one.
    HandedOver {
        /// Who was heard before.
        by: Vec<String>,
        to: Vec<RungParty>,
        /// The time until a person was heard or the other side left; `None` while it lasts.
        lasted: Option<i64>,
    },
    /// Two of our parties talk while the other side does not hear them.
    Consulted {
        /// The one who talked to the other side before, otherwise the first of the two.
        by: String,
        /// The other party.
        with: String,
        /// How long they talked; `None` while it lasts.
        lasted: Option<i64>,
    },
    /// A transfer ended, with any result.
    Transferred {
        kind: TransferKind,
        result: TransferResult,
        by: String,
        to: String,
    },
    /// After a hold, the other side hears these parties again.
    Resumed { with: Vec<String> },
    /// Further people are heard in addition to those heard before.
    Joined { who: Vec<String> },
    /// Some people are no longer heard, others still are.
    Left { who: Vec<String> },
    /// Telegram messages of one stage were sent, edited or deleted, in one chat or several.
    Messages {
        action: MessageAction,
        /// `start`, `dial`, `bridge` or `hangup`, as in the log.
        stage: String,
        /// The chats, each once.
        chats: Vec<String>,
        /// Whether earlier messages were deleted at the same time.
        replaces: bool,
        /// Whether the writer of the log cut the text.
        cut: bool,
    },
    /// Consecutive HTTP requests for the call with the same result.
    Requests {
        /// The result of the lookup, if they asked for a name.
        lookup: Option<Lookup>,
        result: RequestResult,
    },
    /// Consecutive SQL queries.
    Queries,
    /// The call is over.
    Ended {
        /// Who hung up first; `None` if the records do not show it.
        by: Option<String>,
        outcome: Outcome,
        /// How long a person was heard.
        talked: Option<i64>,
        /// How long no one was heard after the first person.
        held: Option<i64>,
        /// How long the call waited for the first person; for a call that reached none, until its end.
        waited: Option<i64>,
    },
    /// The last record, when it is not the end of the call.
    Unfinished {
        /// Whether the call is in progress, or its end was not logged.
        outcome: Outcome,
    },
}

impl Story {
    /// Builds the story of a call from its records, in order of time, and their summary. Empty for no
    /// records.
    pub fn of(facts: &[Fact], summary: &Summary) -> Story {
        let meetings = meetings::meetings(facts, summary);
        let mut steps = steps::steps(facts, summary, &meetings);
        steps.extend(notices::notices(facts));
        // The sort is stable: an action of people comes before the messages about it.
        steps.sort_by_key(|step| step.at);
        Story {
            steps,
            people: people::people(facts, summary, &meetings),
        }
    }

    /// The steps without messages, requests and queries.
    pub fn talk_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !step.event.is_notice())
    }
}

impl StepEvent {
    /// Whether the step is about the call rather than part of it: messages, requests, queries.
    pub fn is_notice(&self) -> bool {
        matches!(
            self,
            StepEvent::Messages { .. } | StepEvent::Requests { .. } | StepEvent::Queries
        )
    }
}
