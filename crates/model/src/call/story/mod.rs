//! What happened in a call, told in steps. Data only: the words of each language are elsewhere.
//!
//! A [`Story`] says the same as the [`Summary`] it is made from, in the order of time: who called, who
//! was rung, who picked up and when, hold, consultations, transfers, messages, requests, the end. A
//! participant is a number or an extension, never a channel. Each step names the records that show it.

mod meetings;
mod notices;
mod people;
mod steps;

use super::fact::{Fact, Lookup, MessageAction, RequestResult};
use super::summary::{Direction, Outcome, RingOutcome, Summary};
use super::talk::{TransferKind, TransferResult};
use crate::record::Stamp;

pub use people::{PersonDoing, PersonLane, PersonSpan};

/// Less than this without a partner (milliseconds) is not felt as hold.
pub const FELT_HOLD_MILLIS_MIN: i64 = 1_000;

/// How long a call was on hold (milliseconds), as far as it was felt.
pub fn felt_hold(s: &Summary) -> Option<i64> {
    s.hold_millis.filter(|held| *held >= FELT_HOLD_MILLIS_MIN)
}

/// A call, told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// In order of time.
    pub steps: Vec<Step>,
    /// Who took part and what each did when: the client first, then the others in the order in which they
    /// come into the call.
    pub people: Vec<PersonLane>,
}

/// One step of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it began.
    pub at: Stamp,
    /// What happened.
    pub event: StepEvent,
    /// The records that show it: indexes into the call's facts, in ascending order.
    pub records: Vec<usize>,
}

impl Step {
    /// Whether one of its records never arrived and was recovered; `facts` are those of the call.
    pub fn is_recovered(&self, facts: &[Fact]) -> bool {
        let of = |at: &usize| facts.get(*at).is_some_and(|fact| fact.recovered);
        self.records.iter().any(of)
    }
}

/// A party that was rung, and how that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RungParty {
    /// Extension or number.
    pub party: String,
    /// How its ringing ended.
    pub outcome: RingOutcome,
}

/// What happened. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEvent {
    /// The call began, and rang those at once.
    Called {
        /// Which way.
        direction: Direction,
        /// Who called: the client, or one of us; empty when nothing says.
        from: String,
        /// The line; empty for internal calls.
        line: String,
        /// Who is rung at once; of a call to outside the client. Empty when somebody (or nobody) rings later.
        rings: Vec<RungParty>,
    },
    /// These ring.
    Rang {
        /// Who.
        who: Vec<RungParty>,
        /// Which one of us called them; `None` where the call itself rang them.
        by: Option<String>,
    },
    /// A person picked up and hears the other side: the first one of the call.
    Answered {
        /// Who: one of us, and of a call to outside the client. Several where two were heard at once.
        by: Vec<String>,
        /// How long it rang; `None` when no dial was logged.
        after: Option<i64>,
    },
    /// The other side hears no one.
    Held {
        /// Who was heard before.
        by: Vec<String>,
        /// Whom they call meanwhile.
        calls: Vec<RungParty>,
        /// How long it took until somebody was heard again or the other side left; `None` while it lasts.
        lasted: Option<i64>,
    },
    /// The other side was let go to these, who ring, and hears no one: a blind transfer.
    HandedOver {
        /// Who was heard before.
        by: Vec<String>,
        /// Who rings.
        to: Vec<RungParty>,
        /// How long it took until somebody was heard or the other side left; `None` while it lasts.
        lasted: Option<i64>,
    },
    /// Two of us talk while the other side does not hear them.
    Consulted {
        /// Who talked to the other side before, or else the first of the two.
        by: String,
        /// The other one.
        with: String,
        /// How long; `None` while it lasts.
        lasted: Option<i64>,
    },
    /// A transfer came to an end, one way or another.
    Transferred {
        /// Blind, or after a consultation.
        kind: TransferKind,
        /// What became of it.
        result: TransferResult,
        /// Who handed on.
        by: String,
        /// To whom.
        to: String,
    },
    /// After a hold the other side hears these again.
    Resumed {
        /// Who is heard.
        with: Vec<String>,
    },
    /// Further people are heard, besides those who were.
    Joined {
        /// Who.
        who: Vec<String>,
    },
    /// Some are heard no more, others still are.
    Left {
        /// Who.
        who: Vec<String>,
    },
    /// Telegram messages of one stage were sent, changed or taken back, in one chat or several.
    Messages {
        /// Sent, edited or deleted.
        action: MessageAction,
        /// `start`, `dial`, `bridge` or `hangup`, as the log has it.
        stage: String,
        /// The chats, each once.
        chats: Vec<String>,
        /// Earlier messages were deleted with it.
        replaces: bool,
        /// The text was cut by the writer of the log.
        cut: bool,
    },
    /// HTTP requests for the call, one after the other and with one result.
    Requests {
        /// They asked for a name, and what came of it.
        lookup: Option<Lookup>,
        /// What came of them.
        result: RequestResult,
    },
    /// SQL queries, one after the other.
    Queries,
    /// The call is over.
    Ended {
        /// Who hung up first; `None` where the records do not show it.
        by: Option<String>,
        /// How the call ended.
        outcome: Outcome,
        /// How long a person was heard.
        talked: Option<i64>,
        /// How long no one was, after the first person.
        held: Option<i64>,
        /// How long the call waited for the first person; of one that reached none until its end.
        waited: Option<i64>,
    },
    /// The last record, and it is not the end.
    Unfinished {
        /// In progress, or no end was logged.
        outcome: Outcome,
    },
}

impl Story {
    /// Tells a call from its records, in order of time, and what they sum up to. Empty for no records.
    pub fn of(facts: &[Fact], summary: &Summary) -> Story {
        let meetings = meetings::meetings(facts, summary);
        let mut steps = steps::steps(facts, summary, &meetings);
        steps.extend(notices::notices(facts));
        // What people did comes before what was sent about it; the end stays where its time puts it.
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
    /// Whether it is about the call rather than part of it: messages, requests, queries.
    pub fn is_notice(&self) -> bool {
        matches!(
            self,
            StepEvent::Messages { .. } | StepEvent::Requests { .. } | StepEvent::Queries
        )
    }
}
