//! The displayed names of groups.

use super::StatsView;
use crate::layout::fit;
use crate::number::phone;
use calltrace_model::stats::{GroupBy, GroupKey, Stats};
use chrono::Datelike;
use unicode_width::UnicodeWidthStr;

/// The maximum width of a column of names (columns): an enterprise, and a number as people write it.
pub(super) const NAMES_WIDTH_MAX: usize = 24;

/// The words that a picture needs, in the language of its reader.
#[derive(Debug, Clone, Copy)]
pub struct StatsWords {
    /// All calls.
    pub calls: &'static str,
    /// The missed calls among them.
    pub missed: &'static str,
    /// Shown in place of an empty name.
    pub unnamed: &'static str,
    /// Monday to Sunday.
    pub weekdays: [&'static str; 7],
}

impl StatsWords {
    /// In English.
    pub const ENGLISH: StatsWords = StatsWords {
        calls: "calls",
        missed: "missed",
        unnamed: "(none)",
        weekdays: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    };

    /// The displayed name of a group, cut if it is long. Names come from logs and are sanitised.
    pub(super) fn key(&self, shown: &StatsView<'_>, key: &GroupKey) -> String {
        short(match key {
            GroupKey::Hour(hour) => format!("{hour:02}:00"),
            GroupKey::Weekday(day) => self.weekdays[usize::from(*day)].to_owned(),
            GroupKey::Day(day) => {
                let weekday = day.weekday().num_days_from_monday() as usize;
                format!("{day} {}", self.weekdays[weekday])
            }
            GroupKey::Enterprise(place) => shown.enterprises[*place].to_string(),
            GroupKey::Name { enterprise, name } => {
                let name = match name.as_str() {
                    "" => self.unnamed.to_owned(),
                    name => phone(name),
                };
                match has_many_enterprises(shown.stats) {
                    true => format!("{} {name}", shown.enterprises[*enterprise]),
                    false => name,
                }
            }
        })
    }
}

/// A name that is not too wide for a column.
pub(super) fn short(name: String) -> String {
    match name.width() > NAMES_WIDTH_MAX {
        true => fit(&name, NAMES_WIDTH_MAX),
        false => name,
    }
}

/// Whether names are of more than one enterprise.
pub(super) fn has_many_enterprises(stats: &Stats) -> bool {
    let mut places = stats.groups.iter().filter_map(|group| match group.key {
        GroupKey::Name { enterprise, .. } => Some(enterprise),
        _ => None,
    });
    let first = places.next();
    places.any(|place| Some(place) != first)
}

/// The head of a column of groups.
pub(super) fn head(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Hour => "HOUR",
        GroupBy::Weekday => "DAY",
        GroupBy::Day => "DAY",
        GroupBy::Person => "PERSON",
        GroupBy::Line => "LINE",
        GroupBy::Client => "CLIENT",
        GroupBy::Enterprise => "ENTERPRISE",
    }
}
