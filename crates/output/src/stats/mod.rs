//! Statistics of calls: for people ([`write_stats`]), for programs ([`document`], [`write_csv`], [`write_parquet`]), as a
//! picture ([`svg()`]).

mod bars;
mod columns;
mod csv;
mod heat;
mod json;
mod names;
mod parquet;
mod svg;
mod terminal;

pub use bars::shade;
pub use csv::write_csv;
pub use json::document;
pub use names::StatsWords;
pub use parquet::write_parquet;
pub use svg::svg;
pub use terminal::write_stats;

use chrono::Timelike;

use super::Clock;
use calltrace_model::record::Stamp;
use calltrace_model::stats::{Group, GroupBy, LocalHour, Stats};
use calltrace_store::tree::EnterpriseName;

/// Statistics, and the other values that are needed to show them.
#[derive(Debug, Clone, Copy)]
pub struct StatsView<'s> {
    /// What was counted.
    pub stats: &'s Stats,
    /// The enterprises that were asked; groups name them by their place.
    pub enterprises: &'s [EnterpriseName],
    /// Calls were counted that began at this time or later; `None` for all up to `until`.
    pub since: Option<Stamp>,
    /// Calls were counted that began before this time.
    pub until: Option<Stamp>,
    /// At most so many persons, lines, clients or enterprises; times are all shown.
    pub limit: Option<usize>,
    /// Formats times.
    pub clock: &'s Clock,
}

impl StatsView<'_> {
    /// The groups that are shown.
    pub(super) fn groups(&self) -> &[Group] {
        let groups = &self.stats.groups;
        let is_of_time = self.stats.by.is_none_or(GroupBy::is_of_time);
        match self.limit.filter(|_| !is_of_time) {
            Some(limit) => &groups[..limit.min(groups.len())],
            None => groups,
        }
    }

    /// How many groups are left out.
    pub fn left_out(&self) -> usize {
        self.stats.groups.len() - self.groups().len()
    }
}

impl Clock {
    /// The hour of a day in the zone that is shown.
    pub fn local_hour(&self, at: Stamp) -> LocalHour {
        let moment = self.moment(at);
        LocalHour {
            date: moment.date_naive(),
            hour: u8::try_from(moment.hour()).expect("a day has 24 hours"),
        }
    }
}
