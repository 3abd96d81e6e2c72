//! Checks what happened against rules, and tells people once.
//!
//! ```text
//! figures -> rules (pure) -> findings -> state (pending, firing, resolved) -> notice -> channels
//! ```
//! Rules take figures and the time, and give [`Finding`]s. A [`Notice`] is the message of one run; a [`Channel`] delivers
//! it. This crate asks no questions to the engine and reads no clock: `cmd/check` of the program does.

#![allow(
    missing_docs,
    reason = "fields and variants that explain themselves have no comment"
)]

pub mod channels;
mod document;
mod figures;
mod finding;
mod history;
pub mod json;
mod notice;
mod rules;
mod state;
mod state_file;
mod telling;
pub mod wording;

pub use figures::EnterpriseFigures;
pub use finding::{Figure, FigureType, FigureValue, Finding, RuleKind, Scope, ScopePart, Severity};
pub use history::{History, HourCount, KEPT_DAYS, count_by_hour, hour_of};
pub use notice::{Channel, DeliveryError, Ending, Notice, ResolvedFinding};
pub use rules::{
    Check, CheckHours, EnterpriseView, Found, Limit, Limits, Reason, Verdict, lookback,
};
pub use state::{Entry, Phase, State, Telling};
pub use state_file::{OpenedState, StateFile};
pub use telling::Told;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
