//! Checks what happened against rules, and tells people once.
//!
//! ```text
//! figures -> rules (pure) -> findings -> state (pending, firing, resolved) -> notice -> channels
//! ```
//! Rules take figures and the time, and give [`Finding`]s. A [`Notice`] is the message of one run; a [`Channel`] delivers
//! it. This crate asks no questions to the engine and reads no clock: `cmd/check` of the program does.

pub mod channels;
mod finding;
mod notice;
pub mod wording;

pub use finding::{Figure, FigureValue, Finding, RuleKind, Scope, ScopePart, Severity};
pub use notice::{Channel, DeliveryError, Ending, Notice, ResolvedFinding};
