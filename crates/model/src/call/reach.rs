//! How far from a call's known records more of them can be.
//!
//! Ids name their second of birth, and a call that has hung up with nobody left in a bridge is over
//! but for the messages that follow. Both ways of finding a call (growing one from an id, sorting a
//! stream) stop at these limits.

use super::fact::{Event, Fact};
use super::main_leg::{main_hangup, main_uid, rings_on};
use super::talk::Talk;
use crate::record::{LogZone, Stamp, id};

/// After the end of a call its last messages and requests arrive within this many milliseconds;
/// before its first record the clocks of host and server differ by less than this.
pub const QUIET_MILLIS: i64 = 2 * 60_000;

/// Somebody may ring or be on hold this long with no event at all (30 minutes).
pub const WAITING_MILLIS: i64 = 30 * 60_000;

/// Somebody may talk this long with no event at all (4 hours); the most there is.
pub const HORIZON_MILLIS: i64 = 4 * 3_600_000;

/// Parts that share no id are looked for this far around a call.
pub const NEIGHBOUR_MILLIS: i64 = 70_000;

/// How long after its last record more of a call can follow (milliseconds): the messages after its
/// end; while nobody is in a bridge, a call that waits; else a talk.
pub fn silence(facts: &[Fact]) -> i64 {
    let talk = Talk::of(facts);
    if is_over_with(facts, &talk) {
        QUIET_MILLIS
    } else if talk.open {
        HORIZON_MILLIS
    } else {
        WAITING_MILLIS
    }
}

/// Whether the call is over but for the messages that follow: the main leg hung up and no two talk
/// on, or some leg did after a talk that everybody has left. Who is handed from one bridge to the
/// next is in none for a moment, so a later record may show that it was not over.
pub fn is_over(facts: &[Fact]) -> bool {
    is_over_with(facts, &Talk::of(facts))
}

/// Whether there was a talk and everybody has left it. That is the end where no hangup is logged,
/// and may be a moment of a transfer.
pub fn is_left(facts: &[Fact]) -> bool {
    let talk = Talk::of(facts);
    talk.begin.is_some() && !talk.open
}

fn is_over_with(facts: &[Fact], talk: &Talk) -> bool {
    let hung_up = |uid: &[u8]| main_hangup(facts, uid).is_some();
    let any_hangup = facts.iter().any(|f| f.event == Event::Hangup);
    let main_over = main_uid(facts).is_some_and(hung_up);
    (main_over && !talk.together || any_hangup && talk.begin.is_some() && !talk.open)
        && !rings_on(facts)
}

/// From when to when records of the call may be: first and last moment, both inclusive.
///
/// Nothing is older than the oldest leg's birth: whoever was in a bridge before is joined through
/// somebody who met them there, and has a birth as well.
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
    Some((
        born.plus_millis(-QUIET_MILLIS),
        last.plus_millis(silence(facts)),
    ))
}
