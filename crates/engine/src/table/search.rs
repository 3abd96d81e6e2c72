//! Searches a table for the calls that are asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::CallTable;
use super::columns::{FigureColumns, JudgedColumns, texts};
use super::row::TableRow;
use super::texts::Texts;
use crate::window::TimeWindow;
use calltrace_model::call::{Criteria, Outcome, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::stats::StatsCall;

/// The position of a call in a table, from which the rest of it can be read.
#[derive(Debug, Clone)]
pub(crate) struct CallPosition {
    table: Arc<CallTable>,
    group: usize,
    row: usize,
}

/// Which columns to read besides those that calls are judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnChoice {
    pub(crate) uids: bool,
    pub(crate) figures: bool,
}

/// The matching calls of a group of rows.
#[derive(Debug)]
pub(crate) struct PickedCalls {
    group: usize,
    judged: JudgedColumns,
    /// The ids, if they were read.
    uids: Option<Texts<Vec<i64>>>,
    figures: Option<FigureColumns>,
    /// Positions of the rows, in the order of the calls' beginnings.
    rows: Vec<usize>,
}

impl CallTable {
    /// The groups of rows with calls that began within a window, in order of time.
    pub(crate) fn groups_in(&self, window: TimeWindow) -> Vec<usize> {
        let is_near = |group: &usize| {
            let times = self.file.group_times(*group);
            times.is_none_or(|(first, last)| first < window.end && last >= window.start)
        };
        self.file.groups().filter(is_near).collect()
    }

    /// When the first and the last call of a group began; no call of an earlier group began later. `None` if
    /// the file does not note it.
    pub(crate) fn group_times(&self, group: usize) -> Option<(Stamp, Stamp)> {
        self.file.group_times(group)
    }

    /// Number of lines of no known kind in a window.
    pub(crate) fn unparsed_in(&self, window: TimeWindow) -> u64 {
        let unparsed = self.binding.unparsed.iter();
        unparsed.filter(|at| window.holds(**at)).count() as u64
    }

    /// Whether one of its calls may also be in a table of earlier calls.
    pub(crate) fn is_carried(&self) -> bool {
        self.binding.is_carried
    }

    /// The calls of a group that began within a window and match.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with the table.
    pub(crate) fn pick(
        &self,
        group: usize,
        criteria: &Criteria,
        wants: ColumnChoice,
        window: TimeWindow,
    ) -> Result<PickedCalls, String> {
        let now = self.now_if_open(criteria);
        let names = JudgedColumns::names(criteria, now);
        self.fetch_ahead(group, criteria, wants);
        let picked = self.file.read_group(group, |columns| {
            let judged = JudgedColumns::read(columns, &names, now)?;
            let rows = judged.accepted(criteria, window);
            let is_needed = !rows.is_empty();
            Ok(PickedCalls {
                group,
                uids: match is_needed && wants.uids {
                    true => Some(texts(columns, "unique_id")?),
                    false => None,
                },
                figures: match is_needed && wants.figures {
                    true => Some(FigureColumns::read(columns)?),
                    false => None,
                },
                judged,
                rows,
            })
        })?;
        let own = self.binding.window();
        let span = picked.judged.span();
        match span.is_none_or(|(first, last)| own.holds(first) && own.holds(last)) {
            true => Ok(picked),
            false => Err(OUTSIDE_WINDOW.to_owned()),
        }
    }

    /// Starts to fetch what [`CallTable::pick`] reads, if the table is in object storage.
    pub(crate) fn fetch_ahead(&self, group: usize, criteria: &Criteria, wants: ColumnChoice) {
        self.file.fetch_ahead(group, || {
            let mut names = JudgedColumns::names(criteria, self.now_if_open(criteria));
            names.extend(wants.uids.then_some("unique_id"));
            names.extend(
                wants
                    .figures
                    .then_some(FigureColumns::NAMES)
                    .into_iter()
                    .flatten(),
            );
            Some(names)
        });
    }

    /// The main leg of each call, with the time the call began; empty for a table that can't be read.
    pub(crate) fn main_legs(&self) -> HashMap<Box<str>, Stamp> {
        let legs_of = |group| {
            let legs = self.file.read_group(group, |columns| {
                let first = columns.moments("start_time")?;
                Ok((texts(columns, "unique_id")?, first))
            });
            let (uids, first) = legs.unwrap_or_default();
            let legs = first.into_iter().enumerate();
            let leg = |(row, first)| (Box::from(uids.of(row)), first);
            legs.map(leg).collect::<Vec<_>>()
        };
        self.file.groups().flat_map(legs_of).collect()
    }

    /// The present time, if calls may have been in progress then.
    fn now_if_open(&self, criteria: &Criteria) -> Option<Stamp> {
        criteria.now.filter(|now| *now < self.binding.reached)
    }

    /// All rows of the calls that began within a window, in the order of their beginnings.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with the table.
    pub(crate) fn rows(&self, window: TimeWindow) -> Result<Vec<TableRow>, String> {
        let mut rows = Vec::new();
        for group in self.groups_in(window) {
            self.file.fetch_ahead(group, || None);
            let take = |_, row: &mut TableRow| {
                if window.holds(row.call.first) {
                    rows.push(std::mem::take(row));
                }
            };
            self.file.read_group(group, |group| group.each_row(take))?;
        }
        let own = self.binding.window();
        match rows.iter().all(|row| own.holds(row.call.first)) {
            true => Ok(rows),
            false => Err(OUTSIDE_WINDOW.to_owned()),
        }
    }
}

/// The error for a table with calls from outside its own window.
const OUTSIDE_WINDOW: &str = "has calls from outside its time window";

impl PickedCalls {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Keeps the calls that `wanted` accepts by the id of their main leg and their start time; keeps all if
    /// ids were not read.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&str, Stamp) -> bool) {
        let judged = &self.judged;
        if let Some(uids) = &self.uids {
            self.rows
                .retain(|row| wanted(uids.of(*row), judged.first(*row)));
        }
    }

    /// The start time and the outcome of each call.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (Stamp, Outcome)> + '_ {
        let rows = self.rows.iter();
        rows.map(|row| (self.judged.first(*row), self.judged.outcome(*row)))
    }

    /// Each call, with what it is sorted by; the rest of it is in `table`. Empty if ids were not read.
    pub(crate) fn each<'p>(
        &'p self,
        table: &'p Arc<CallTable>,
    ) -> impl Iterator<Item = (Stamp, &'p str, CallPosition)> {
        let all = move |uids: &'p Texts<Vec<i64>>| {
            self.rows.iter().map(move |row| {
                let light = CallPosition {
                    table: Arc::clone(table),
                    group: self.group,
                    row: *row,
                };
                (self.judged.first(*row), uids.of(*row), light)
            })
        };
        self.uids.iter().flat_map(all)
    }

    /// Hands out the figures of each call, if they were read.
    pub(crate) fn each_figures(&self, add: &mut dyn FnMut(&StatsCall<'_>)) {
        if let Some(figures) = &self.figures {
            figures.each(&self.judged, &self.rows, add);
        }
    }
}

/// The calls at these positions, in the same order, with their digests if wanted.
///
/// # Errors
/// Returns a clause that says what is wrong with a table.
pub(crate) fn complete(
    lights: &[CallPosition],
    now: Option<Stamp>,
    digests: bool,
) -> Result<Vec<Summary>, String> {
    let mut wanted: BTreeMap<(*const CallTable, usize), Vec<usize>> = BTreeMap::new();
    for (at, light) in lights.iter().enumerate() {
        let group = (Arc::as_ptr(&light.table), light.group);
        wanted.entry(group).or_default().push(at);
    }
    let wanted: Vec<Vec<usize>> = wanted.into_values().collect();
    let read: Result<Vec<Vec<(usize, Summary)>>, String> = wanted
        .par_iter()
        .map(|all| complete_group(lights, all, now, digests))
        .collect();
    let mut calls: Vec<(usize, Summary)> = read?.into_iter().flatten().collect();
    if calls.len() < lights.len() {
        return Err("lost a call while it was read".to_owned());
    }
    calls.sort_unstable_by_key(|(at, _)| *at);
    Ok(calls.into_iter().map(|(_, call)| call).collect())
}

/// The calls of `lights` at the indices `all`, which are of one group of rows, each with its index.
fn complete_group(
    lights: &[CallPosition],
    all: &[usize],
    now: Option<Stamp>,
    digests: bool,
) -> Result<Vec<(usize, Summary)>, String> {
    let (Some(first), mut calls) = (all.first(), Vec::with_capacity(all.len())) else {
        return Ok(Vec::new());
    };
    let CallPosition { table, group, .. } = &lights[*first];
    let places: HashMap<usize, usize> = all.iter().map(|at| (lights[*at].row, *at)).collect();
    let now = now.filter(|now| *now < table.binding.reached);
    let take = |row: usize, read: &mut TableRow| {
        let Some(place) = places.get(&row) else {
            return;
        };
        let mut call = std::mem::replace(&mut read.call, Summary::empty());
        if let Some(now) = now {
            let waits = || now.since(call.last) < read.digest.silence_millis;
            call.outcome = call.outcome.settled(call.ended, waits);
        }
        call.digest = digests.then(|| Box::new(std::mem::take(&mut read.digest)));
        calls.push((*place, call));
    };
    let rows = all.iter().map(|at| lights[*at].row);
    let near = rows.clone().min().zip(rows.max());
    let near = near.map_or(0..0, |(first, last)| first..last + 1);
    table.file.fetch_ahead(*group, || None);
    table
        .file
        .read_group(*group, |group| group.each_row_of(near, take))?;
    Ok(calls)
}
