//! How far from a call's known records more of them can be.
//!
//! Ids name their second of birth, bridges are created before they are entered, and a call that
//! has hung up with nobody left in a bridge is over but for the messages that follow. Both ways of
//! finding a call (growing one from an id, sorting a stream) stop at these limits.

use super::fact::{Event, Fact};
use super::summary::main_uid;
use super::talk::Talk;
use crate::record::{LogZone, Stamp, id};

/// After the end of a call its last messages and requests arrive within this many milliseconds;
/// before its first record the clocks of host and server differ by less than this.
pub const QUIET_MILLIS: i64 = 2 * 60_000;

/// A call that shows no end, or whose bridge shows no beginning, is searched this far (4 hours).
pub const HORIZON_MILLIS: i64 = 4 * 3_600_000;

/// Parts that share no id are looked for this far around a call.
pub const NEIGHBOUR_MILLIS: i64 = 70_000;

/// Whether nothing but late messages can follow: the main leg hung up, and nobody is in a bridge.
pub fn is_settled(facts: &[Fact]) -> bool {
    let talk = Talk::of(facts);
    if talk.open {
        return false;
    }
    let hung_up = |uid: &[u8]| {
        facts
            .iter()
            .any(|f| f.event == Event::Hangup && f.uid() == uid)
    };
    let any_hangup = facts.iter().any(|f| f.event == Event::Hangup);
    main_uid(facts).is_some_and(hung_up) || (any_hangup && talk.begin.is_some())
}

/// From when to when records of the call may be: first and last moment, both inclusive.
pub fn window(facts: &[Fact], zone: LogZone) -> Option<(Stamp, Stamp)> {
    let first = facts.iter().map(|f| f.at).min()?;
    let last = facts.iter().map(|f| f.at).max()?;
    let born = facts
        .iter()
        .filter_map(|f| id::epoch_seconds(f.uid()))
        .filter_map(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .map(|moment| zone.stamp(moment))
        .min()
        .unwrap_or(first)
        .clamp(first.plus_millis(-HORIZON_MILLIS), first);
    let back = if has_bridge_without_beginning(facts) {
        HORIZON_MILLIS
    } else {
        QUIET_MILLIS
    };
    let forth = if is_settled(facts) {
        QUIET_MILLIS
    } else {
        HORIZON_MILLIS
    };
    Some((born.plus_millis(-back), last.plus_millis(forth)))
}

fn has_bridge_without_beginning(facts: &[Fact]) -> bool {
    let created = |bridge: &[u8]| {
        facts
            .iter()
            .any(|f| f.event == Event::BridgeCreate && f.bridge() == bridge)
    };
    facts
        .iter()
        .any(|f| !f.bridge().is_empty() && !created(f.bridge()))
}
