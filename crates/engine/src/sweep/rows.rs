//! The calls of a window as rows of a table: the calls that can't grow any more.

use rayon::prelude::*;

use super::Sweep;
use crate::search::CallCollector;
use crate::table::{DISORDER_MILLIS, TableRow};
use crate::window::LATEST;
use calltrace_model::call::{CallRecords, Component, Digest, Summary};
use calltrace_model::record::Stamp;
use calltrace_store::error::Trouble;

/// The result of a sweep for a table.
pub(crate) struct SweptRows {
    /// The calls that began before `cut`.
    pub(crate) rows: Vec<TableRow>,
    /// Calls that began at this time or later may still grow, or do not belong to the window.
    pub(crate) cut: Stamp,
    /// All records up to this time were read.
    pub(crate) reached: Stamp,
    /// Times of lines of no known kind.
    pub(crate) unparsed: Vec<Stamp>,
    /// Damage in the files.
    pub(crate) troubles: Vec<Trouble>,
}

impl Sweep<'_> {
    /// Sweeps the window for a table.
    ///
    /// # Errors
    /// Returns a clause that says why a table can't represent the window.
    pub(crate) fn rows(mut self) -> Result<SweptRows, String> {
        for cursor in &mut self.cursors {
            cursor.for_rows = true;
        }
        let mut calls = CallCollector::new(self.corpus, self.question);
        let mut rows: Vec<(TableRow, Stamp)> = Vec::new();
        let enterprise = self.corpus.enterprise.as_str();
        let reached = self.walk(LATEST, &mut calls, |sweep, over, _| {
            let own = sweep.own(over);
            for row in rows_of(enterprise, own) {
                sweep.settled = sweep.settled.max(row.1);
                rows.push(row);
            }
        });
        let rest = self.joiner.take_all();
        let own = self.own(rest);
        rows.extend(rows_of(enterprise, own));
        let own = self.begun_here(&mut calls);
        rows.extend(rows_of(enterprise, own));
        if self.joiner.left_out() > 0 {
            return Err("can't hold a call with so many records".to_owned());
        }
        let open = rows.iter().filter(|(_, settled)| *settled > reached);
        let cut = open.map(|(row, _)| row.call.first).min();
        let cut = cut.map_or(self.window.end, |cut| cut.min(self.window.end));
        // In a window without an end, nothing is known after the last record.
        let cut = cut.min(reached);
        rows.retain(|(row, _)| row.call.first < cut);
        Ok(SweptRows {
            rows: rows.into_iter().map(|(row, _)| row).collect(),
            cut,
            reached,
            unparsed: calls.unparsed_at,
            // The other troubles show again whenever the files are opened.
            troubles: calls.troubles.split_off(self.corpus.troubles.len()),
        })
    }
}

/// Rows, each with the time from which on nothing can be added to its call.
fn rows_of(enterprise: &str, own: Vec<Component>) -> Vec<(TableRow, Stamp)> {
    let row = |call: Component| {
        let facts = &call.facts;
        let summary = Summary::of(facts).filter(|summary| !summary.main_uid.is_empty())?;
        let digest = Digest::of(CallRecords {
            summary: &summary,
            facts,
        });
        let settled = summary
            .last
            .plus_millis(digest.silence_millis + DISORDER_MILLIS);
        let row = TableRow {
            enterprise: enterprise.to_owned(),
            call: Summary {
                legs: Vec::new(),
                ..summary
            },
            digest,
        };
        Some((row, settled))
    };
    own.into_par_iter()
        .with_min_len(64)
        .filter_map(row)
        .collect()
}
