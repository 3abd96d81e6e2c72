//! The limits of time within which a call may have more records than those already known.
//!
//! Ids contain the second in which their channel was created. A call that has hung up and has no channel left
//! in a bridge is over, except for the messages that follow. Both ways of finding a call (growing it from an
//! id, sorting a stream) stop at these limits.

use super::fact::{Event, Fact};
use super::main_leg::{main_hangup, main_uid, rings_on};
use super::talk::Talk;
use crate::record::{LogZone, Stamp, id};

/// After the end of a call its last messages and requests arrive within this many milliseconds;
/// before its first record the clocks of host and server differ by less than this.
pub const QUIET_MILLIS: i64 = 2 * 60_000;

/// A party may ring or be on hold for this long without any event (30 minutes).
pub const WAITING_MILLIS: i64 = 30 * 60_000;

/// The parties may talk for this long without any event (4 hours); this is the largest limit.
pub const HORIZON_MILLIS: i64 = 4 * 3_600_000;

/// Parts that share no id are searched this far around a call (milliseconds).
pub const NEIGHBOUR_MILLIS: i64 = 70_000;

/// How long after the last record of a call more can follow (milliseconds). The limit depends on whether the
/// call is over, its parties still talk, or it waits with no channel in a bridge.
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

/// Whether the call is over, except for the messages that follow: the main leg hung up and no two channels
/// share a bridge, or any leg hung up after a talk that all channels have left. A channel that moves from one
/// bridge to the next is in none for a moment, so a later record may show that the call was not over.
pub fn is_over(facts: &[Fact]) -> bool {
    is_over_with(facts, &Talk::of(facts))
}

/// Whether there was a talk and all channels have left it. This is the end of the call if no hangup is
/// logged, but may also be a moment of a transfer.
pub fn have_all_left(facts: &[Fact]) -> bool {
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

/// The period in which records of the call may be: first and last moment, both inclusive. `None` for no
/// records.
///
/// No record is older than the creation of the oldest leg: a channel that was in a bridge earlier is joined
/// through another channel that it met there, and its id has a creation time as well.
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
