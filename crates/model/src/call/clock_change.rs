//! Corrects the times of calls during a clock change: in a zone with summer time, a log has one hour twice in
//! autumn and skips one in spring.
//!
//! Records are read and joined by the wall clock that they were written with, which is correct to an hour.
//! Once the records of one call are known, their order and distances are corrected here.

use super::fact::Fact;
use super::reach::QUIET_MILLIS;
use crate::record::{LogZone, id};

/// Moves the records of one call, in any order, to the times of a clock that was not changed. Returns true if
/// any record was moved. A call within one offset of the zone needs no change.
///
/// Two moments may have the same wall clock. The later one is meant if the record's channel was created after
/// the earlier one, or if a previous record in the same file is later than it. The clocks of host and server
/// may differ by two minutes.
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
