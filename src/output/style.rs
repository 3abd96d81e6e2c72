//! Colours, by meaning. Written always; whoever opens the output strips them where they are not
//! wanted.

use owo_colors::OwoColorize;

use crate::call::Outcome;

pub(super) fn good(text: &str) -> String {
    text.green().to_string()
}

pub(super) fn bad(text: &str) -> String {
    text.red().to_string()
}

pub(super) fn doubtful(text: &str) -> String {
    text.yellow().to_string()
}

pub(super) fn strong(text: &str) -> String {
    text.bold().to_string()
}

pub(super) fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

pub(super) fn outcome(outcome: Outcome, text: &str) -> String {
    match outcome {
        Outcome::Answered => good(text),
        Outcome::Missed => bad(text),
        Outcome::Unknown => doubtful(text),
    }
}

/// A colour a leg, the same for the same place among the legs.
pub(super) fn leg(index: usize, text: &str) -> String {
    match index % 5 {
        0 => text.cyan().to_string(),
        1 => text.magenta().to_string(),
        2 => text.blue().to_string(),
        3 => text.yellow().to_string(),
        _ => text.green().to_string(),
    }
}
