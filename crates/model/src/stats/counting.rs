//! Counts calls by group.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::calendar::{Calendar, LocalHour};
use super::contacts::{Client, Contacts, Fate};
use super::group::{FigureSums, Figures, Group, GroupBy};
use super::grouping::Grouping;
use super::input::StatsCall;
use super::name_table::NameTable;
use super::sample::{Sample, Spread};
use crate::call::Outcome;
use crate::record::Stamp;

/// Statistics of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// By what the calls are grouped.
    pub by: Option<GroupBy>,
    /// The figures of all calls.
    pub total: Figures,
    /// The figures of each group. Groups by time are in order, including groups without calls between others;
    /// other groups are sorted by their number of calls, the largest first. Empty without `by`.
    pub groups: Vec<Group>,
    /// The number of calls that began in each hour (0 to 23) of each day of the week (Monday first).
    pub calls: WeekCounts,
    /// The number of missed calls that began in each hour of each day of the week.
    pub missed: WeekCounts,
    /// The time within which a missed call counts as returned (milliseconds).
    pub within_millis: i64,
    /// How long after missed calls clients were called back.
    pub called_back_after: Option<Spread>,
    /// The people who called back, the busiest first.
    pub called_back_by: Vec<CallbackPerson>,
    /// The missed calls that were not returned, sorted by client, then by time.
    pub not_returned: Vec<UnreturnedCall>,
    /// Requests by host, the host with the most first.
    pub requests: Vec<HostRequests>,
    /// When the first and the last of the calls began; `None` for no calls.
    pub span: Option<(Stamp, Stamp)>,
}

/// Numbers of calls by day of the week (Monday first) and hour.
pub type WeekCounts = [[usize; 24]; 7];

/// A person who called clients back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackPerson {
    /// The number of the enterprise.
    pub enterprise: usize,
    /// The name; empty if the records do not show it.
    pub person: String,
    /// How many missed calls this person returned.
    pub calls: usize,
    /// In how many of these calls the client picked up.
    pub reached: usize,
}

/// A missed call that was not returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreturnedCall {
    /// The number of the enterprise.
    pub enterprise: usize,
    /// The client's number in the form of [`crate::record::phone::key`].
    pub number: u64,
    pub first: Stamp,
    /// Whether the client called again in vain.
    pub rang_again: bool,
}

/// Requests to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRequests {
    /// The host with its port; empty if the records do not show it.
    pub host: String,
    /// The number of requests.
    pub count: usize,
    /// The number of failed requests.
    pub failed: usize,
    /// How long the requests with a noted duration took.
    pub took: Option<Spread>,
}

/// Collects calls for statistics.
#[derive(Debug)]
pub struct Counting<F> {
    groupings: Vec<Grouping>,
    calendar: Calendar<F>,
    total: FigureSums,
    calls: WeekCounts,
    missed_hours: WeekCounts,
    contacts: Contacts,
    missed: Vec<MissedContact>,
    host_names: NameTable,
    hosts: Vec<HostSamples>,
    span: Option<(Stamp, Stamp)>,
}

#[derive(Debug)]
struct MissedContact {
    enterprise: usize,
    client: Option<Client>,
    first: Stamp,
}

#[derive(Debug, Default)]
struct HostSamples {
    count: usize,
    failed: usize,
    took: Sample,
}

impl<F: Fn(Stamp) -> LocalHour> Counting<F> {
    /// Groups calls by each of `by`. `local` gives the hour of a time in the displayed zone; it is called
    /// once for each quarter of an hour of record time.
    pub fn new(by: impl IntoIterator<Item = GroupBy>, local: F) -> Counting<F> {
        Counting {
            groupings: by.into_iter().map(Grouping::new).collect(),
            calendar: Calendar::new(local),
            total: FigureSums::default(),
            calls: WeekCounts::default(),
            missed_hours: WeekCounts::default(),
            contacts: Contacts::default(),
            missed: Vec::new(),
            host_names: NameTable::default(),
            hosts: Vec::new(),
            span: None,
        }
    }

    /// Adds a call that is not counted, but may return a missed call.
    pub fn add_contact(&mut self, enterprise: usize, call: &StatsCall<'_>) {
        self.contacts.add(enterprise, call);
    }

    /// Adds calls that are not counted, but may return missed calls.
    pub fn join_contacts(&mut self, contacts: Contacts) {
        self.contacts.join(contacts);
    }

    /// Counts a call of the enterprise with this number. The numbers of enterprises are chosen by the code
    /// that calls this.
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
                self.hosts.push(HostSamples::default());
            }
            self.hosts[place].add(request.millis, request.failed);
        }
        for grouping in &mut self.groupings {
            grouping.add(enterprise, call, (hour, weekday));
        }
        if call.outcome == Outcome::Missed {
            self.missed_hours[cell.0][cell.1] += 1;
            self.missed.push(MissedContact {
                enterprise,
                client,
                first: call.first,
            });
        }
        self.contacts.add_of(client, call);
    }

    /// Adds the counts of another one with the same groupings.
    pub fn join(&mut self, other: Counting<F>) {
        for (own, its) in self.groupings.iter_mut().zip(other.groupings) {
            own.join(its);
        }
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
        self.missed.extend(other.missed);
        let hosts = self.host_names.join(&other.host_names);
        self.hosts
            .resize_with(self.host_names.len(), HostSamples::default);
        for (at, host) in hosts.into_iter().zip(other.hosts) {
            self.hosts[at as usize].join(host);
        }
        let spans = [self.span, other.span].into_iter().flatten();
        self.span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }

    /// The statistics with the groups of the first grouping. A missed call counts as returned within
    /// `within_millis` (see [`Contacts::settle`]); `now` is the current time.
    pub fn finish(self, within_millis: i64, now: Stamp) -> Stats {
        let by = self.groupings.first().map(Grouping::by);
        let (stats, groups) = self.finish_each(within_millis, now);
        let groups = groups.into_iter().next().unwrap_or_default();
        Stats {
            by,
            groups,
            ..stats
        }
    }

    /// The statistics that all groupings share, and the groups of each grouping.
    pub fn finish_each(mut self, within_millis: i64, now: Stamp) -> (Stats, Vec<Vec<Group>>) {
        let returns = self.contacts.settle(within_millis, now);
        let mut after = Sample::default();
        let mut by: HashMap<(usize, &str), (usize, usize), FixedState> = HashMap::default();
        let mut not_returned = Vec::new();
        let fate_of = |missed: &MissedContact| returns.fate_of(missed.client, missed.first);
        let fates: Vec<Fate<'_>> = self.missed.par_iter().map(fate_of).collect();
        for (at, (missed, fate)) in self.missed.iter().zip(fates).enumerate() {
            self.total.add_fate(&fate);
            for grouping in &mut self.groupings {
                grouping.add_fate(at, &fate);
            }
            if let (Fate::NotReturned { rang_again }, Some(client)) = (&fate, missed.client) {
                let call = UnreturnedCall {
                    enterprise: missed.enterprise,
                    number: client.number(),
                    first: missed.first,
                    rang_again: *rang_again,
                };
                not_returned.push((client, call));
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
        not_returned.par_sort_unstable_by_key(|(client, call)| (*client, call.first));
        let mut called_back_by: Vec<CallbackPerson> = by
            .into_iter()
            .map(|((enterprise, person), (calls, reached))| CallbackPerson {
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
        let stats = Stats {
            by: None,
            total: self.total.figures(),
            groups: Vec::new(),
            calls: self.calls,
            missed: self.missed_hours,
            within_millis,
            called_back_after: after.spread(),
            called_back_by,
            not_returned: not_returned.into_iter().map(|(_, call)| call).collect(),
            requests: by_host(self.host_names, self.hosts),
            span: self.span,
        };
        let groupings = self.groupings.into_par_iter();
        (stats, groupings.map(Grouping::into_groups).collect())
    }
}

impl HostSamples {
    fn join(&mut self, other: HostSamples) {
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

fn by_host(names: NameTable, hosts: Vec<HostSamples>) -> Vec<HostRequests> {
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
