//! What a table tells of the calls that are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::Table;
use super::row::{Row, visit, visit_judged};
use crate::window::Window;
use calltrace_model::call::{Criteria, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::PhoneQuery;

/// Where the rest of a row stands, of which only what it was judged by is known.
#[derive(Debug, Clone)]
pub(crate) struct Light {
    table: Arc<Table>,
    group: usize,
    at: usize,
}

impl Table {
    /// The calls that began within a window and are asked for, in the order of their beginnings, and the
    /// number of lines of no known kind. Of a call that is known what it is judged by, and its `figures` if
    /// they are wanted.
    ///
    /// # Errors
    /// What is wrong with the table, as a clause about it.
    pub(crate) fn search(
        self: &Arc<Table>,
        criteria: &Criteria,
        figures: bool,
        window: Window,
    ) -> Result<(Vec<(Summary, Light)>, u64), String> {
        // At that time all of its calls were over.
        let may_go_on = criteria.now.is_some_and(|now| now < self.binding.reached);
        let now = criteria.now.filter(|_| may_go_on);
        let mut columns = columns_of(criteria, may_go_on);
        columns.extend(FIGURES.iter().filter(|_| figures));
        let groups: Result<Vec<Vec<(Summary, Light)>>, String> = self
            .groups_in(window)
            .into_par_iter()
            .map(|group| {
                let mut found = Vec::new();
                let mut is_out = false;
                let take = |at: usize, row: &mut Row| {
                    let Row { call, digest, .. } = row;
                    is_out |= !self.is_own(call);
                    if !window.holds(call.first) {
                        return;
                    }
                    settle(call, digest.silence_millis, now);
                    if criteria.accepts(call, digest) {
                        let call = std::mem::replace(call, Summary::empty());
                        let table = Arc::clone(self);
                        found.push((call, Light { table, group, at }));
                    }
                };
                let wanted = |name: &str| columns.contains(&name);
                self.file.read_group(group, wanted, visit_judged, take)?;
                match is_out {
                    true => Err(OUT.to_owned()),
                    false => Ok(found),
                }
            })
            .collect();
        let unparsed = self.binding.unparsed.iter();
        let unparsed = unparsed.filter(|at| window.holds(**at)).count() as u64;
        Ok((groups?.into_iter().flatten().collect(), unparsed))
    }

    /// All rows of the calls that began within a window, in the order of their beginnings.
    ///
    /// # Errors
    /// What is wrong with the table, as a clause about it.
    pub(crate) fn rows(&self, window: Window) -> Result<Vec<Row>, String> {
        let mut rows = Vec::new();
        for group in self.groups_in(window) {
            let take = |_, row: &mut Row| {
                if window.holds(row.call.first) {
                    rows.push(std::mem::take(row));
                }
            };
            self.file.read_group(group, |_| true, visit, take)?;
        }
        match rows.iter().all(|row| self.is_own(&row.call)) {
            true => Ok(rows),
            false => Err(OUT.to_owned()),
        }
    }

    fn groups_in(&self, window: Window) -> Vec<usize> {
        let is_near = |group: &usize| {
            let times = self.file.group_times(*group);
            times.is_none_or(|(first, last)| first < window.end && last >= window.start)
        };
        self.file.groups().filter(is_near).collect()
    }

    fn is_own(&self, call: &Summary) -> bool {
        call.first >= self.binding.from && call.first < self.binding.cut
    }
}

/// What is said of a table with calls that can't be its own.
const OUT: &str = "has calls of another time than it says";

/// What a call is at a time of day.
fn settle(call: &mut Summary, silence: i64, now: Option<Stamp>) {
    if let Some(now) = now {
        call.settle_after(|| silence, now);
    }
}

/// Fills in the rest of calls that tables told of.
///
/// # Errors
/// What is wrong with a table, as a clause about it.
pub(crate) fn complete(
    calls: &mut [(Summary, Option<Light>)],
    now: Option<Stamp>,
) -> Result<(), String> {
    let mut wanted: BTreeMap<(*const Table, usize), Vec<usize>> = BTreeMap::new();
    for (at, (_, light)) in calls.iter().enumerate() {
        if let Some(light) = light {
            let group = (Arc::as_ptr(&light.table), light.group);
            wanted.entry(group).or_default().push(at);
        }
    }
    for all in wanted.into_values() {
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let Some(light) = calls[all[0]].1.clone() else {
            continue;
        };
        for at in all {
            places.extend(calls[at].1.as_ref().map(|light| (light.at, at)));
        }
        let mut met = 0;
        let take = |at: usize, row: &mut Row| {
            if let Some(place) = places.get(&at) {
                met += 1;
                let mut call = std::mem::replace(&mut row.call, Summary::empty());
                settle(&mut call, row.digest.silence_millis, now);
                calls[*place].0 = call;
            }
        };
        let file = &light.table.file;
        file.read_group(light.group, |_| true, visit, take)?;
        if met != places.len() {
            return Err("lost a call while it was read".to_owned());
        }
    }
    Ok(())
}

/// The columns of [`calltrace_model::call::Summary`] that statistics are made of.
const FIGURES: [&str; 11] = [
    "direction",
    "client",
    "trunk",
    "rang",
    "answered_by",
    "wait_ms",
    "talk_ms",
    "hold_ms",
    "messages_standing",
    "message_lags_ms",
    "requests",
];

/// The columns that a call is judged by, and counted.
fn columns_of(criteria: &Criteria, may_go_on: bool) -> Vec<&'static str> {
    let short = criteria.phone.as_ref().is_some_and(PhoneQuery::is_short);
    let long = criteria.phone.is_some() && !short;
    let asked = [
        (true, "unique_id"),
        (true, "start_time"),
        (true, "result"),
        (may_go_on, "end_time"),
        (may_go_on, "ended"),
        (may_go_on, "silence_ms"),
        (short || criteria.direction.is_some(), "direction"),
        (short, "client"),
        (long, "numbers"),
        (criteria.min_ring_millis.is_some(), "ring_ms"),
        (criteria.min_talk_millis.is_some(), "talk_ms"),
        (criteria.transferred, "transferred_to"),
        (criteria.extension.is_some(), "parties"),
        (criteria.trunk.is_some(), "trunks"),
        (criteria.chat.is_some(), "chats"),
        (criteria.fault.is_some(), "faults"),
    ];
    let columns = asked.into_iter();
    columns
        .filter_map(|(asked, name)| asked.then_some(name))
        .collect()
}
