//! Calls that two windows of time both show.

use std::collections::HashMap;
use std::sync::Arc;

use crate::table::CallTable;
use crate::window::is_born_since;
use calltrace_model::call::SAME_CALL_MILLIS;
use calltrace_model::record::Stamp;

/// Main legs of the calls found, with the start time of each: a call that two windows show counts once.
///
/// Only an id that is older than the window in which it was found, or that does not say its age, can belong
/// to a call that another window shows as well.
#[derive(Default)]
pub(super) struct SeenLegs {
    pub(super) carried: HashMap<Box<str>, Stamp>,
    /// Channels born in this second (since 1970) or later occur only in this window's calls.
    pub(super) window: Option<i64>,
    /// The tables that cover the time just before, and all their main legs once those were needed.
    pub(super) tables: Vec<Arc<CallTable>>,
    pub(super) table_legs: Option<HashMap<Box<str>, Stamp>>,
}

impl SeenLegs {
    pub(super) fn is_new(&mut self, uid: &str, first: Stamp) -> bool {
        let is_own = self.window.is_some_and(|start| is_born_since(uid, start));
        let known = match is_own {
            true if self.carried.is_empty() => return true,
            true => self.carried.get(uid).copied(),
            false if self.is_in_table(uid, first) => return false,
            false => self.carried.insert(uid.into(), first),
        };
        known.is_none_or(|known| known.since(first).abs() > SAME_CALL_MILLIS)
    }

    /// Whether a table has an earlier call with this main leg. This is rarely needed.
    fn is_in_table(&mut self, uid: &str, first: Stamp) -> bool {
        let legs = self.table_legs.get_or_insert_with(|| {
            let tables = self.tables.iter();
            tables.flat_map(|table| table.main_legs()).collect()
        });
        let known = legs.get(uid).filter(|known| **known < first);
        known.is_some_and(|known| first.since(*known) <= SAME_CALL_MILLIS)
    }
}
