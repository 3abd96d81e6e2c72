//! Calls while clocks are changed: a log in a zone with summer time writes an hour of autumn twice, and
//! leaves one of spring out.
//!
//! Records are read and joined by the wall clock that they were written with, which is right to an hour.
//! Once it is known which are of one call, their order and distances are set right here.

use super::fact::Fact;
use super::reach::QUIET_MILLIS;
use crate::record::{LogZone, id};

/// Moves the records of one call, in any order, to times that go on as if clocks had not been changed;
/// true if any was moved. Nothing to do for a call within one offset of the zone.
///
/// Of two moments with the same wall clock the later is meant if the record's channel was born after the
/// earlier, or if a record before it in the same file is later than that. Clocks of host and server may
/// differ by two minutes.
pub fn straighten(zone: LogZone, facts: &mut [Fact]) -> bool {
    let times = || facts.iter().map(|fact| fact.at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return false;
    };
    if zone.is_steady(first, last) {
        return false;
    }
    let mut order: Vec<usize> = (0..facts.len()).collect();
    order.sort_by_key(|&i| facts[i].place);
    let mut moved = false;
    let mut before: Option<(u32, i64)> = None;
    for i in order {
        let fact = &mut facts[i];
        let source = fact.place.source;
        let seen = before.filter(|(of, _)| *of == source).map(|(_, at)| at);
        let born = id::epoch_seconds(fact.uid()).map(|seconds| seconds * 1000);
        let least = seen.max(born).map(|millis| millis - QUIET_MILLIS);
        let moment = zone.moment_after(fact.at, least);
        before = Some((source, moment.timestamp_millis()));
        let at = zone.continued(moment);
        moved |= at != fact.at;
        fact.at = at;
    }
    moved
}
