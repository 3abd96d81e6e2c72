//! Checks what happened against rules, and tells people once.
//!
//! ```text
//! figures -> rules (pure) -> findings -> state (pending, firing, resolved) -> notice -> channels
//! ```
//! Rules take figures and the time, and give [`CheckFinding`]s. An [`AlertNotice`] is the message of one run; a
//! [`DeliveryChannel`] delivers it. This crate does not query the engine and reads no clock:
//! `cmd/check` of the program does.

#![allow(
    missing_docs,
    reason = "fields and variants that explain themselves have no comment"
)]

mod alert_state_file;
pub mod channels;
mod document;
mod figures;
mod finding;
mod history;
pub mod json;
mod notice;
mod rules;
mod state;
mod telling;
pub mod wording;

pub use alert_state_file::{AlertStateFile, OpenedState};
pub use figures::EnterpriseFigures;
pub use finding::{
    AlertSeverity, CheckFinding, FigureType, FigureValue, FindingFigure, RuleKind, Scope, ScopePart,
};
pub use history::{History, HourCount, KEPT_DAYS, count_by_hour, hour_of};
pub use notice::{AlertNotice, DeliveryChannel, DeliveryError, Ending, ResolvedFinding};
pub use rules::{
    Check, CheckHours, CheckVerdict, EnterpriseView, Found, Limit, Limits, UnjudgedReason, lookback,
};
pub use state::{AlertPhase, AlertState, Telling, TrackedFinding};
pub use telling::Told;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
