//! Groups calls by one property.

use std::collections::HashMap;

use chrono::NaiveDate;
use foldhash::fast::FixedState;

use super::calendar::LocalHour;
use super::contacts::Fate;
use super::group::{FigureSums, Group, GroupBy, GroupKey};
use super::input::StatsCall;
use crate::call::Outcome;
use crate::record::phone;

/// The longest period (days) in which days without calls become groups as well: a record may have a time of
/// any year.
const DAYS_FILLED_MAX: i64 = 1_000;

/// Collects calls into groups.
#[derive(Debug)]
pub(super) struct Grouping {
    by: GroupBy,
    groups: Vec<(GroupKey, FigureSums)>,
    days: HashMap<NaiveDate, usize, FixedState>,
    /// The index of each named group, by enterprise.
    names: Vec<HashMap<Box<str>, usize, FixedState>>,
    /// The groups of all missed calls, one call after the other; `missed_ends` has where the groups of each
    /// call end.
    missed: Vec<usize>,
    missed_ends: Vec<usize>,
}

impl Grouping {
    pub(super) fn new(by: GroupBy) -> Grouping {
        let times: Vec<GroupKey> = match by {
            GroupBy::Hour => (0..24).map(GroupKey::Hour).collect(),
            GroupBy::Weekday => (0..7).map(GroupKey::Weekday).collect(),
            _ => Vec::new(),
        };
        let groups = times.into_iter().map(|key| (key, FigureSums::default()));
        Grouping {
            by,
            groups: groups.collect(),
            days: HashMap::default(),
            names: Vec::new(),
            missed: Vec::new(),
            missed_ends: Vec::new(),
        }
    }

    pub(super) fn by(&self) -> GroupBy {
        self.by
    }

    /// Counts a call that began in this hour of this day of the week.
    pub(super) fn add(
        &mut self,
        enterprise: usize,
        call: &StatsCall<'_>,
        (hour, weekday): (LocalHour, u8),
    ) {
        let at = match self.by {
            GroupBy::Hour => usize::from(hour.hour),
            GroupBy::Weekday => usize::from(weekday),
            GroupBy::Day => self.day(hour.date),
            GroupBy::Person => {
                let persons = call.persons();
                for place in 1..persons.len() {
                    let at = self.name(enterprise, persons.get(place).unwrap_or_default());
                    self.count(at, call);
                }
                self.name(enterprise, persons.get(0).unwrap_or_default())
            }
            GroupBy::Line => self.name(enterprise, call.trunk),
            GroupBy::Client => {
                let number = phone::canonical(call.client.as_bytes());
                let number = std::str::from_utf8(&number).unwrap_or(call.client);
                self.name(enterprise, number)
            }
            GroupBy::Enterprise => self.name(enterprise, ""),
        };
        self.count(at, call);
        if call.outcome == Outcome::Missed {
            self.missed_ends.push(self.missed.len());
        }
    }

    fn count(&mut self, at: usize, call: &StatsCall<'_>) {
        self.groups[at].1.add(call);
        if call.outcome == Outcome::Missed {
            self.missed.push(at);
        }
    }

    /// Adds the groups of another one with the same property.
    pub(super) fn join(&mut self, other: Grouping) {
        let groups = other.groups.into_iter();
        let places: Vec<usize> = groups
            .map(|(key, sums)| {
                let at = self.place(&key);
                self.groups[at].1.join(sums);
                at
            })
            .collect();
        let before = self.missed.len();
        let ends = other.missed_ends.iter();
        self.missed_ends.extend(ends.map(|end| end + before));
        let missed = other.missed.iter();
        self.missed.extend(missed.map(|at| places[*at]));
    }

    /// Notes the fate of a missed call. Missed calls are numbered in the order in which they were added.
    pub(super) fn add_fate(&mut self, missed: usize, fate: &Fate<'_>) {
        let before = missed.checked_sub(1);
        let start = before.map_or(0, |before| self.missed_ends[before]);
        for at in &self.missed[start..self.missed_ends[missed]] {
            self.groups[*at].1.add_fate(fate);
        }
    }

    pub(super) fn into_groups(self) -> Vec<Group> {
        in_order(self.by, self.groups)
    }

    /// The index of the group with a key.
    fn place(&mut self, key: &GroupKey) -> usize {
        match key {
            GroupKey::Hour(at) | GroupKey::Weekday(at) => usize::from(*at),
            GroupKey::Day(date) => self.day(*date),
            GroupKey::Name { enterprise, name } => self.name(*enterprise, name),
            GroupKey::Enterprise(enterprise) => self.name(*enterprise, ""),
        }
    }

    fn day(&mut self, date: NaiveDate) -> usize {
        *self.days.entry(date).or_insert_with(|| {
            self.groups
                .push((GroupKey::Day(date), FigureSums::default()));
            self.groups.len() - 1
        })
    }

    fn name(&mut self, enterprise: usize, name: &str) -> usize {
        if self.names.len() <= enterprise {
            self.names.resize_with(enterprise + 1, HashMap::default);
        }
        if let Some(at) = self.names[enterprise].get(name) {
            return *at;
        }
        let key = match self.by {
            GroupBy::Enterprise => GroupKey::Enterprise(enterprise),
            _ => GroupKey::Name {
                enterprise,
                name: name.to_owned(),
            },
        };
        self.groups.push((key, FigureSums::default()));
        self.names[enterprise].insert(name.into(), self.groups.len() - 1);
        self.groups.len() - 1
    }
}

fn in_order(by: GroupBy, mut groups: Vec<(GroupKey, FigureSums)>) -> Vec<Group> {
    if by.is_of_time() {
        groups.extend(days_without_calls(&groups));
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
    } else {
        groups.sort_by(|(a_key, a), (b_key, b)| {
            b.calls().cmp(&a.calls()).then_with(|| a_key.cmp(b_key))
        });
    }
    let group = |(key, sums): (GroupKey, FigureSums)| Group {
        key,
        figures: sums.figures(),
    };
    groups.into_iter().map(group).collect()
}

/// The days without calls between others: a list of days with a gap would look like one without.
fn days_without_calls(groups: &[(GroupKey, FigureSums)]) -> Vec<(GroupKey, FigureSums)> {
    let mut days: Vec<NaiveDate> = groups
        .iter()
        .filter_map(|(key, _)| match key {
            GroupKey::Day(day) => Some(*day),
            _ => None,
        })
        .collect();
    days.sort_unstable();
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Vec::new();
    };
    if (*last - *first).num_days() > DAYS_FILLED_MAX {
        return Vec::new();
    }
    let between = first.iter_days().take_while(|day| day < last);
    between
        .filter(|day| days.binary_search(day).is_err())
        .map(|day| (GroupKey::Day(day), FigureSums::default()))
        .collect()
}
