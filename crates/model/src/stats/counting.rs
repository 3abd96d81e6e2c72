//! Counts calls, group by group.

use std::collections::HashMap;
use std::ops::Range;

use chrono::NaiveDate;
use foldhash::fast::FixedState;

use super::calendar::{Calendar, LocalHour};
use super::contacts::{Client, Contacts, Fate};
use super::group::{Figures, Group, GroupBy, Key, Sums};
use super::input::StatsCall;
use super::places::Places;
use super::sample::{Sample, Spread};
use crate::call::Outcome;
use crate::record::{Stamp, phone};

/// Days between which those without calls are groups as well; a record may have a time of any year.
const DAYS_FILLED_MAX: i64 = 1_000;

/// Statistics of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// What the groups are by.
    pub by: Option<GroupBy>,
    /// Of all calls.
    pub total: Figures,
    /// Of each group: times in their order, those without calls between others too; names by how many calls they
    /// have, the most first. Empty without `by`.
    pub groups: Vec<Group>,
    /// How many calls began in each hour (0 to 23) of each day of the week (Monday first).
    pub calls: Counts,
    /// Of these the missed ones.
    pub missed: Counts,
    /// Within which time a missed call is returned (milliseconds).
    pub within_millis: i64,
    /// How long after missed calls somebody called back.
    pub called_back_after: Option<Spread>,
    /// Who called back, the busiest first.
    pub called_back_by: Vec<CalledBackBy>,
    /// The missed calls that were not returned, by client, then by time.
    pub not_returned: Vec<NotReturned>,
    /// Requests by host, the most first.
    pub requests: Vec<HostRequests>,
    /// When the first and the last of the calls began.
    pub span: Option<(Stamp, Stamp)>,
}

/// Numbers of calls by day of the week and hour.
pub type Counts = [[usize; 24]; 7];

/// A person who called clients back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledBackBy {
    /// The place of the enterprise.
    pub enterprise: usize,
    /// Who; empty where nothing says.
    pub person: String,
    /// How many missed calls were returned by it.
    pub calls: usize,
    /// How many of their clients picked up.
    pub reached: usize,
}

/// A missed call that was not returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotReturned {
    /// The place of the enterprise.
    pub enterprise: usize,
    /// The client's number, as [`phone::key`] has it.
    pub number: u64,
    /// When the call began.
    pub first: Stamp,
    /// The client rang again, in vain.
    pub rang_again: bool,
}

/// Requests to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRequests {
    /// The host with its port; empty where nothing says.
    pub host: String,
    /// How many.
    pub count: usize,
    /// How many failed.
    pub failed: usize,
    /// How long they took, those of which that was noted.
    pub took: Option<Spread>,
}

/// Statistics in the making.
#[derive(Debug)]
pub struct Counting<F> {
    by: Option<GroupBy>,
    calendar: Calendar<F>,
    total: Sums,
    groups: Vec<(Key, Sums)>,
    days: HashMap<NaiveDate, usize, FixedState>,
    /// By enterprise.
    names: Vec<HashMap<Box<str>, usize, FixedState>>,
    calls: Counts,
    missed_hours: Counts,
    contacts: Contacts,
    missed: Vec<Missed>,
    /// The groups of all missed calls, one behind the other.
    missed_groups: Vec<usize>,
    host_names: Places,
    hosts: Vec<Host>,
    span: Option<(Stamp, Stamp)>,
}

#[derive(Debug)]
struct Missed {
    enterprise: usize,
    client: Option<Client>,
    first: Stamp,
    /// Which of `missed_groups` are its own.
    groups: Range<usize>,
}

#[derive(Debug, Default)]
struct Host {
    count: usize,
    failed: usize,
    took: Sample,
}

impl<F: Fn(Stamp) -> LocalHour> Counting<F> {
    /// Counts by this; `local` turns a time into the hour in the zone that is shown, and is asked once for each
    /// quarter of an hour of record time.
    pub fn new(by: Option<GroupBy>, local: F) -> Counting<F> {
        let times: Vec<Key> = match by {
            Some(GroupBy::Hour) => (0..24).map(Key::Hour).collect(),
            Some(GroupBy::Weekday) => (0..7).map(Key::Weekday).collect(),
            _ => Vec::new(),
        };
        Counting {
            by,
            calendar: Calendar::new(local),
            total: Sums::default(),
            groups: times
                .into_iter()
                .map(|key| (key, Sums::default()))
                .collect(),
            days: HashMap::default(),
            names: Vec::new(),
            calls: Counts::default(),
            missed_hours: Counts::default(),
            contacts: Contacts::default(),
            missed: Vec::new(),
            missed_groups: Vec::new(),
            host_names: Places::default(),
            hosts: Vec::new(),
            span: None,
        }
    }

    /// Takes a call that is not counted, but may be one that returns a missed call.
    pub fn add_contact(&mut self, enterprise: usize, call: &StatsCall<'_>) {
        self.contacts.add(enterprise, call);
    }

    /// Takes calls that are not counted, but may return missed calls.
    pub fn join_contacts(&mut self, contacts: Contacts) {
        self.contacts.join(contacts);
    }

    /// Counts a call of the enterprise with this number, which is the caller's own way to tell enterprises apart.
    pub fn add(&mut self, enterprise: usize, call: &StatsCall<'_>) {
        let (hour, weekday) = self.calendar.hour_of(call.first);
        let client = Client::of(enterprise, call.client);
        let (earliest, latest) = self.span.unwrap_or((call.first, call.first));
        self.span = Some((earliest.min(call.first), latest.max(call.first)));
        let cell = (usize::from(weekday), usize::from(hour.hour));
        self.calls[cell.0][cell.1] += 1;
        self.total.add(call);
        for request in call.requests.each() {
            let place = self.host_names.of(request.host) as usize;
            if place == self.hosts.len() {
                self.hosts.push(Host::default());
            }
            self.hosts[place].add(request.millis, request.failed);
        }
        let is_missed = call.outcome == Outcome::Missed;
        let groups = self.missed_groups.len();
        let count = |this: &mut Self, at: usize| {
            this.groups[at].1.add(call);
            if is_missed {
                this.missed_groups.push(at);
            }
        };
        match self.by {
            None => {}
            Some(GroupBy::Hour) => count(self, cell.1),
            Some(GroupBy::Weekday) => count(self, cell.0),
            Some(GroupBy::Day) => {
                let at = self.day(hour.date);
                count(self, at);
            }
            Some(GroupBy::Person) => {
                let persons = call.persons();
                for place in 0..persons.len().max(1) {
                    let at = self.name(enterprise, persons.get(place).unwrap_or_default());
                    count(self, at);
                }
            }
            Some(GroupBy::Line) => {
                let at = self.name(enterprise, call.trunk);
                count(self, at);
            }
            Some(GroupBy::Client) => {
                let number = phone::canonical(call.client.as_bytes());
                let number = std::str::from_utf8(&number).unwrap_or(call.client);
                let at = self.name(enterprise, number);
                count(self, at);
            }
            Some(GroupBy::Enterprise) => {
                let at = self.name(enterprise, "");
                count(self, at);
            }
        }
        if is_missed {
            self.missed_hours[cell.0][cell.1] += 1;
            self.missed.push(Missed {
                enterprise,
                client,
                first: call.first,
                groups: groups..self.missed_groups.len(),
            });
        }
        self.contacts.add_of(client, call);
    }

    /// Takes over what another counted by the same.
    pub fn join(&mut self, other: Counting<F>) {
        let places: Vec<usize> = other
            .groups
            .into_iter()
            .map(|(key, sums)| {
                let at = self.place(&key);
                self.groups[at].1.join(sums);
                at
            })
            .collect();
        self.total.join(other.total);
        for (own, its) in [
            (&mut self.calls, &other.calls),
            (&mut self.missed_hours, &other.missed_hours),
        ] {
            let cells = own.as_flattened_mut().iter_mut();
            cells
                .zip(its.as_flattened())
                .for_each(|(own, its)| *own += its);
        }
        self.contacts.join(other.contacts);
        let behind = self.missed_groups.len();
        self.missed
            .extend(other.missed.into_iter().map(|missed| Missed {
                groups: missed.groups.start + behind..missed.groups.end + behind,
                ..missed
            }));
        let groups = other.missed_groups.iter();
        self.missed_groups.extend(groups.map(|at| places[*at]));
        let hosts = self.host_names.join(&other.host_names);
        self.hosts.resize_with(self.host_names.len(), Host::default);
        for (at, host) in hosts.into_iter().zip(other.hosts) {
            self.hosts[at as usize].join(host);
        }
        let spans = [self.span, other.span].into_iter().flatten();
        self.span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }

    /// Where the group of a key stands.
    fn place(&mut self, key: &Key) -> usize {
        match key {
            Key::Hour(at) | Key::Weekday(at) => usize::from(*at),
            Key::Day(date) => self.day(*date),
            Key::Name { enterprise, name } => self.name(*enterprise, name),
            Key::Enterprise(enterprise) => self.name(*enterprise, ""),
        }
    }

    fn day(&mut self, date: NaiveDate) -> usize {
        *self.days.entry(date).or_insert_with(|| {
            self.groups.push((Key::Day(date), Sums::default()));
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
            Some(GroupBy::Enterprise) => Key::Enterprise(enterprise),
            _ => Key::Name {
                enterprise,
                name: name.to_owned(),
            },
        };
        self.groups.push((key, Sums::default()));
        self.names[enterprise].insert(name.into(), self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// The statistics. A missed call is returned within so many milliseconds or not (see [`Contacts::settle`]); `now`
    /// is the time of day.
    pub fn finish(mut self, within_millis: i64, now: Stamp) -> Stats {
        // One client's calls lie side by side among those that may return them.
        let by_client = |missed: &Missed| (missed.client, missed.first);
        let (contacts, missed) = (self.contacts, &mut self.missed);
        let (returns, ()) = rayon::join(
            || contacts.settle(within_millis, now),
            || missed.sort_unstable_by_key(by_client),
        );
        let mut after = Sample::default();
        let mut by: HashMap<(usize, &str), (usize, usize), FixedState> = HashMap::default();
        let mut not_returned = Vec::new();
        for missed in &self.missed {
            let fate = returns.fate_of(missed.client, missed.first);
            self.total.add_fate(&fate);
            for at in &self.missed_groups[missed.groups.clone()] {
                self.groups[*at].1.add_fate(&fate);
            }
            if let (Fate::NotReturned { rang_again }, Some(client)) = (&fate, missed.client) {
                not_returned.push(NotReturned {
                    enterprise: missed.enterprise,
                    number: client.number(),
                    first: missed.first,
                    rang_again: *rang_again,
                });
            }
            if let Fate::CalledBack {
                by: who,
                after_millis,
                reached,
            } = fate
            {
                after.push(after_millis);
                let (calls, reaching) = by.entry((missed.enterprise, who)).or_default();
                *calls += 1;
                *reaching += usize::from(reached);
            }
        }
        let mut called_back_by: Vec<CalledBackBy> = by
            .into_iter()
            .map(|((enterprise, person), (calls, reached))| CalledBackBy {
                enterprise,
                person: person.to_owned(),
                calls,
                reached,
            })
            .collect();
        called_back_by.sort_by(|a, b| {
            let ties = || (a.enterprise, &a.person).cmp(&(b.enterprise, &b.person));
            b.calls.cmp(&a.calls).then_with(ties)
        });
        Stats {
            by: self.by,
            total: self.total.figures(),
            groups: in_order(self.by, self.groups),
            calls: self.calls,
            missed: self.missed_hours,
            within_millis,
            called_back_after: after.spread(),
            called_back_by,
            not_returned,
            requests: by_host(self.host_names, self.hosts),
            span: self.span,
        }
    }
}

impl Host {
    fn join(&mut self, other: Host) {
        self.count += other.count;
        self.failed += other.failed;
        self.took.join(other.took);
    }

    fn add(&mut self, millis: Option<i64>, failed: bool) {
        self.count += 1;
        self.failed += usize::from(failed);
        if let Some(millis) = millis {
            self.took.push(millis);
        }
    }
}

fn by_host(names: Places, hosts: Vec<Host>) -> Vec<HostRequests> {
    let names = names.into_names().into_iter();
    let mut all: Vec<HostRequests> = names
        .zip(hosts)
        .map(|(name, host)| HostRequests {
            host: name.into(),
            count: host.count,
            failed: host.failed,
            took: host.took.spread(),
        })
        .collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.host.cmp(&b.host)));
    all
}

fn in_order(by: Option<GroupBy>, mut groups: Vec<(Key, Sums)>) -> Vec<Group> {
    if by.is_some_and(GroupBy::is_of_time) {
        groups.extend(days_without_calls(&groups));
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
    } else {
        groups.sort_by(|(a_key, a), (b_key, b)| {
            b.calls().cmp(&a.calls()).then_with(|| a_key.cmp(b_key))
        });
    }
    let group = |(key, sums): (Key, Sums)| Group {
        key,
        figures: sums.figures(),
    };
    groups.into_iter().map(group).collect()
}

/// A row of days with a gap would look like one without.
fn days_without_calls(groups: &[(Key, Sums)]) -> Vec<(Key, Sums)> {
    let mut days: Vec<NaiveDate> = groups
        .iter()
        .filter_map(|(key, _)| match key {
            Key::Day(day) => Some(*day),
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
        .map(|day| (Key::Day(day), Sums::default()))
        .collect()
}
