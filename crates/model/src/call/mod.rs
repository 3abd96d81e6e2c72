//! Builds calls from records, and derives what happened in each call. Pure.
//!
//! A call has many ids: every channel has its own UniqueId. A [`Fact`] is what a record says about a call;
//! its [`Edge`]s are the names that it shares with other records. [`Closure`] grows one call from an id, and
//! [`Joiner`] sorts a stream of records into calls; both take their edges from the same place, so they agree.
//! [`infer`] joins parts that share no name. [`Summary`] says what happened.
//!
//! `engine` finds the records and reads them. Only the rule that says how far to look for more of them lives
//! here ([`reach`]).

mod changes;
mod channels;
mod clock_change;
mod closure;
mod criteria;
mod digest;
mod evidence;
mod fact;
mod faults;
pub mod infer;
mod joiner;
mod main_leg;
mod messages;
pub mod reach;
mod state;
mod story;
mod summary;
mod talk;

pub use changes::Changes;
pub use channels::{endpoint, is_extension};
pub use clock_change::straighten;
pub use closure::{Closure, Join, Reason};
pub use criteria::Criteria;
pub use digest::Digest;
pub use evidence::{CallRecords, Evidence};
pub(crate) use fact::took_millis;
pub use fact::{
    CallType, Edge, Event, Fact, Facts, Lookup, MessageAction, RequestResult, TextDetails,
};
pub use faults::{Fault, FaultCode, Severity};
pub use joiner::{Component, Joiner, SAME_CALL_MILLIS, first_and_last};
pub use messages::{MessageLife, MessageTotals};
pub use state::{CallState, Phase};
pub use story::{
    FELT_HOLD_MILLIS_MIN, PersonDoing, PersonLane, PersonSpan, RungParty, Step, StepEvent, Story,
    felt_hold,
};
pub use summary::{Direction, Leg, Outcome, Request, RingOutcome, Ringing, Summary};
pub use talk::{TalkSpan, Transfer, TransferKind, TransferResult};
