//! The newest calls of several enterprises together.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::answer::{FoundCall, read_whole};
use super::{EachFound, SearchQuestion};
use crate::Engine;
use calltrace_model::record::Stamp;
use calltrace_store::tree::{EnterpriseName, Tree};

/// Above this limit, tables of too many calls might stay open.
const LIMIT_MAX: usize = 256;

/// Compares calls of several enterprises, each given as start time, enterprise and id of its main leg: the
/// newest first, and calls of one moment by enterprise.
pub fn newest_first(
    (a_first, a_name, a_uid): (Stamp, &EnterpriseName, &str),
    (b_first, b_name, b_uid): (Stamp, &EnterpriseName, &str),
) -> Ordering {
    (b_first, a_name, b_uid).cmp(&(a_first, b_name, a_uid))
}

impl Engine {
    /// As [`Engine::search_each`], except that only calls among the newest of all enterprises together, up to
    /// the limit, are read completely; others may be left out. Everything else is answered for each
    /// enterprise separately.
    pub fn search_newest(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
    ) -> EachFound {
        let limit = question.limit.filter(|limit| *limit <= LIMIT_MAX);
        let newest = limit.and_then(|limit| self.newest(tree, enterprises, question, limit));
        newest.unwrap_or_else(|| self.search_each(tree, enterprises, question))
    }

    /// `None` when a table turned out to lack a call that it listed: other enterprises may then have lost
    /// calls to it.
    fn newest(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
        limit: usize,
    ) -> Option<EachFound> {
        let newest: Mutex<Vec<(usize, FoundCall)>> = Mutex::default();
        let keep = |calls: &mut Vec<(usize, FoundCall)>| {
            calls.sort_by(|(a_place, a), (b_place, b)| {
                let ((a_first, a_uid), (b_first, b_uid)) = (a.key(), b.key());
                let (a_name, b_name) = (&enterprises[*a_place], &enterprises[*b_place]);
                newest_first((a_first, a_name, a_uid), (b_first, b_name, b_uid))
            });
            calls.truncate(limit);
        };
        let one = |(place, enterprise): (usize, &EnterpriseName)| {
            let answer = self.answer(tree, enterprise, question, None, None)?;
            let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
            newest.extend(answer.calls.into_iter().map(|call| (place, call)));
            keep(&mut newest);
            Ok(answer.found)
        };
        let search = || enterprises.par_iter().enumerate().map(one).collect();
        let mut found: EachFound = self.pool.install(search);
        let newest = newest.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (places, calls): (Vec<usize>, Vec<FoundCall>) = newest.into_iter().unzip();
        let calls = self.pool.install(|| read_whole(calls, question)).ok()?;
        for (place, call) in places.into_iter().zip(calls) {
            if let Ok(found) = &mut found[place] {
                found.calls.push(call);
            }
        }
        Some(found)
    }
}
