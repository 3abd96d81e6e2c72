//! Takes calls from tables, without reading logs.

use std::sync::Arc;

use rayon::prelude::*;

use super::CallCollector;
use super::answer::FoundCall;
use crate::table::{CallTable, CallTables, ColumnChoice, PickedCalls};
use crate::window::TimeWindow;

/// What is read of calls that are only counted.
const COUNTED: ColumnChoice = ColumnChoice {
    uids: false,
    figures: true,
};

/// Groups of rows that are counted at once, while the columns of the next ones are on their way: at most some 200 kB each.
const GROUPS_AT_ONCE: usize = 16;

impl CallCollector<'_> {
    /// Starts to fetch what [`CallCollector::count_from_tables`] reads first, before anything is swept.
    pub(crate) fn fetch_ahead(&self, tables: &CallTables) {
        if !self.only_counts() {
            return;
        }
        let asked = TimeWindow::asked(&self.question.criteria);
        let newest_first = tables.all().iter().rev();
        let groups = newest_first.flat_map(|table| {
            let groups = table.groups_in(asked).into_iter();
            groups.map(move |group| (table, group))
        });
        for (table, group) in groups.take(GROUPS_AT_ONCE) {
            table.fetch_ahead(group, &self.question.criteria, COUNTED);
        }
    }

    /// Whether calls are only handed to the sink, in any order.
    fn only_counts(&self) -> bool {
        self.sink.is_some() && !self.question.tally
    }

    /// Adds the calls in a table that began within a window, the newest first, until the limit is reached.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with the table.
    pub(crate) fn take_from_table(
        &mut self,
        table: &Arc<CallTable>,
        window: TimeWindow,
    ) -> Result<(), String> {
        self.unparsed += table.unparsed_in(window);
        self.troubles.extend_from_slice(table.troubles());
        let groups = table.groups_in(window);
        let is_carried = table.is_carried() || !self.seen.carried.is_empty();
        // Calls that are only counted and in no other window need no order.
        if self.only_counts() && !is_carried {
            let uncounted = |group| (Arc::clone(table), group, window);
            self.uncounted.extend(groups.into_iter().map(uncounted));
            return Ok(());
        }
        // For a few calls the newest groups are enough.
        let at_once = match self.keeps_calls() {
            true => rayon::current_num_threads(),
            false => groups.len().max(1),
        };
        let mut chunks = groups.rchunks(at_once);
        while let Some(groups) = chunks.next() {
            let start = table.group_times(groups[0]).map(|(first, _)| first);
            let last = groups.last().and_then(|group| table.group_times(*group));
            let end = last.map(|(_, last)| last.plus_millis(1));
            // Calls older than those shown are only tallied.
            let is_shown = self.keeps_calls() && !end.is_some_and(|end| self.has_newest(end));
            let wants = ColumnChoice {
                uids: is_carried || is_shown,
                figures: self.sink.is_some(),
            };
            let pick = |group: &usize| table.pick(*group, &self.question.criteria, wants, window);
            let picked: Result<Vec<PickedCalls>, String> = groups.par_iter().map(pick).collect();
            self.push_picked(table, picked?);
            if start.is_some_and(|start| self.is_full(start)) {
                self.may_match_more |= chunks.next().is_some();
                break;
            }
        }
        Ok(())
    }

    /// Counts the calls of tables that are only counted, all groups of rows in parallel.
    ///
    /// # Errors
    /// As [`CallCollector::take_from_table`].
    pub(crate) fn count_from_tables(&mut self) -> Result<(), String> {
        let Some(sink) = self.sink else {
            return Ok(());
        };
        let count = |(table, group, window): &(Arc<CallTable>, usize, TimeWindow)| {
            let picked = table.pick(*group, &self.question.criteria, COUNTED, *window)?;
            sink.take(&mut |add| picked.each_figures(add));
            Ok::<usize, String>(picked.len())
        };
        let fetch_ahead = |(table, group, _): &(Arc<CallTable>, usize, TimeWindow)| {
            table.fetch_ahead(*group, &self.question.criteria, COUNTED);
        };
        // More tasks than cores, as there are with object storage, would only hold more columns in memory.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut batches = self.uncounted.chunks(GROUPS_AT_ONCE).peekable();
        let mut counted = 0;
        while let Some(batch) = batches.next() {
            let next = batches.peek().copied().unwrap_or_default();
            next.iter().for_each(fetch_ahead);
            let tasks = batch.par_iter().with_min_len(batch.len().div_ceil(cores));
            let counts: Result<Vec<usize>, String> = tasks.map(count).collect();
            counted += counts?.iter().sum::<usize>();
        }
        self.count += counted;
        Ok(())
    }

    /// Adds the calls that were picked from groups of rows in a table.
    fn push_picked(&mut self, table: &Arc<CallTable>, mut picked: Vec<PickedCalls>) {
        for one in &mut picked {
            one.retain(|uid, first| self.seen.is_new(uid, first));
            self.count += one.len();
            if self.question.tally {
                for (first, outcome) in one.outcomes() {
                    self.tally.add(first, outcome);
                }
            }
        }
        if let Some(sink) = self.sink {
            let hand_over = |one: &PickedCalls| sink.take(&mut |add| one.each_figures(add));
            picked.par_iter().for_each(hand_over);
        } else if self.keeps_calls() {
            for one in &picked {
                let kept = one.each(table);
                self.calls.extend(
                    kept.map(|(first, uid, light)| FoundCall::InTable(first, uid.into(), light)),
                );
            }
            self.drop_surplus();
        }
    }
}
