//! Finds whether the client of a missed call was called back.
//!
//! A missed call is *returned* if, within a certain time after it began, a person called the same number of
//! the client, or the client called again and was answered. It is *pending* while that time has not passed.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::input::StatsCall;
use super::name_table::NameTable;
use crate::call::{Criteria, Direction, Outcome};
use crate::record::{Stamp, phone};

/// What happened after a missed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// The call came without an outside number, so no one can call back.
    Anonymous,
    /// A person called back: the first call to the client that began after the missed one.
    CalledBack {
        /// Who called; empty if the records do not show it.
        by: &'a str,
        /// How long after the beginning of the missed call (milliseconds).
        after_millis: i64,
        /// Whether the client picked up.
        reached: bool,
    },
    /// No one called back, but the client called again and was answered.
    RangAgain {
        /// Who answered; empty if the records do not show it.
        by: &'a str,
        /// How long after the beginning of the missed call (milliseconds).
        after_millis: i64,
    },
    /// Neither happened, and the time has not passed.
    Pending,
    /// Neither happened within the time.
    NotReturned {
        /// Whether the client called again in vain.
        rang_again: bool,
    },
}

/// The number of missed calls for each fate. Each call has exactly one, so the first six numbers add up to
/// all calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fates {
    pub reached: usize,
    pub tried: usize,
    /// Not called back; the client called again and was answered.
    pub rang_again_answered: usize,
    pub pending: usize,
    pub not_returned: usize,
    pub anonymous: usize,
    /// The calls that were not returned although the client called again.
    pub rang_again: usize,
}

impl Fates {
    pub(super) fn add(&mut self, fate: &Fate<'_>) {
        *match fate {
            Fate::CalledBack { reached: true, .. } => &mut self.reached,
            Fate::CalledBack { reached: false, .. } => &mut self.tried,
            Fate::RangAgain { .. } => &mut self.rang_again_answered,
            Fate::Pending => &mut self.pending,
            Fate::NotReturned { rang_again } => {
                self.rang_again += usize::from(*rang_again);
                &mut self.not_returned
            }
            Fate::Anonymous => &mut self.anonymous,
        } += 1;
    }

    /// The number of calls that were called back, whether or not the client picked up.
    pub fn called_back(&self) -> usize {
        self.reached + self.tried
    }
}

/// Collects the calls that decide the fate of missed calls: calls to clients and from clients, and the missed
/// calls.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    people: NameTable,
    contacts: Vec<Contact>,
    missed: HashSet<Client, FixedState>,
}

/// An outside number, for one enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Client {
    number: u64,
    enterprise: u32,
}

#[derive(Debug, Clone, Copy)]
struct Contact {
    client: Client,
    first: Stamp,
    /// The number of the person who called or answered.
    by: u32,
    is_outgoing: bool,
    reached: bool,
}

impl Contacts {
    /// Adds a call of the enterprise with this number. The numbers of enterprises are chosen by the code that
    /// calls this.
    pub fn add(&mut self, enterprise: usize, call: &StatsCall<'_>) {
        self.add_of(Client::of(enterprise, call.client), call);
    }

    /// Adds a call of a client that was computed before.
    pub(super) fn add_of(&mut self, client: Option<Client>, call: &StatsCall<'_>) {
        let is_outgoing = match call.direction {
            Direction::Outgoing => true,
            Direction::Incoming => false,
            Direction::Internal | Direction::Unknown => return,
        };
        let Some(client) = client else {
            return;
        };
        if call.outcome == Outcome::Missed {
            self.missed.insert(client);
        }
        let who = match is_outgoing {
            true => call.rang.get(0),
            false => call.answered_by,
        };
        self.contacts.push(Contact {
            client,
            first: call.first,
            by: self.people.of(who.unwrap_or_default()),
            is_outgoing,
            reached: call.has_reached(),
        });
    }

    /// Adds all calls of another collection.
    pub fn join(&mut self, other: Contacts) {
        let people = self.people.join(&other.people);
        let contacts = other.contacts.into_iter().map(|contact| Contact {
            by: people[contact.by as usize],
            ..contact
        });
        self.contacts.extend(contacts);
        self.missed.extend(other.missed);
    }

    /// Builds the lookup of fates. A missed call counts as returned up to `within_millis` after it began
    /// (inclusive); `now` is the current time. The calls that were added must reach that long past the missed
    /// calls in question.
    pub fn settle(self, within_millis: i64, now: Stamp) -> Returns {
        let clients: HashMap<Client, usize, FixedState> =
            self.missed.into_iter().zip(0..).collect();
        let place = |contact: &Contact| clients.get(&contact.client).copied();
        let places: Vec<Option<usize>> = self.contacts.par_iter().map(place).collect();
        // Contacts are placed by client, which is faster than sorting all of them.
        let mut ends = vec![0; clients.len()];
        for place in places.iter().flatten() {
            ends[*place] += 1;
        }
        let mut all = 0;
        for end in &mut ends {
            (all, *end) = (all + *end, all);
        }
        let mut contacts = self.contacts.clone();
        contacts.truncate(all);
        for (contact, place) in self.contacts.iter().zip(places) {
            if let Some(place) = place {
                contacts[ends[place]] = *contact;
                ends[place] += 1;
            }
        }
        let people = self.people;
        // For two contacts at one moment, the order does not depend on the order in which they were added.
        let order = |a: &Contact, b: &Contact| {
            let ties = |contact: &Contact| (contact.is_outgoing, contact.reached);
            let by = |contact: &Contact| people.name(contact.by);
            let order = a.first.cmp(&b.first);
            order.then_with(|| (ties(a), by(a)).cmp(&(ties(b), by(b))))
        };
        let clients_own = contacts.par_chunk_by_mut(|a, b| a.client == b.client);
        clients_own.for_each(|own| own.sort_unstable_by(order));
        Returns {
            people: people.into_names(),
            contacts,
            clients,
            ends,
            within_millis,
            now,
        }
    }
}

impl Client {
    pub(super) fn of(enterprise: usize, number: &str) -> Option<Client> {
        Some(Client {
            number: phone::key(number.as_bytes())?,
            enterprise: u32::try_from(enterprise).expect("there are fewer enterprises"),
        })
    }

    /// The number in the form of [`phone::key`].
    pub(super) fn number(self) -> u64 {
        self.number
    }
}

/// The criteria for the calls that [`Contacts`] needs to find the fate of missed calls, which are given as
/// their clients and the times at which they began. The criteria accept the missed calls and all calls that
/// began up to `within_millis` after them. For one client alone they accept only calls of its number, which
/// an index finds. `None` for no missed calls; `now` is the current time.
pub fn criteria_after<'c>(
    missed: impl IntoIterator<Item = (&'c str, Stamp)>,
    within_millis: i64,
    now: Option<Stamp>,
) -> Option<Criteria> {
    let mut missed = missed.into_iter();
    let (client, first) = missed.next()?;
    let (mut earliest, mut latest, mut is_one) = (first, first, true);
    for (other, first) in missed {
        earliest = earliest.min(first);
        latest = latest.max(first);
        is_one &= other == client;
    }
    let phone = phone::PhoneQuery::parse(client).ok();
    Some(Criteria {
        phone: phone.filter(|query| is_one && !query.is_short()),
        now,
        since: Some(earliest),
        until: Some(end_of(latest, within_millis)),
        ..Criteria::default()
    })
}

/// The time before which a call must begin to return a call that was missed then. The end of the allowed time
/// is inclusive, so this is one millisecond later.
pub fn end_of(missed: Stamp, within_millis: i64) -> Stamp {
    missed.plus_millis(within_millis).plus_millis(1)
}

/// Looks up the fate of missed calls.
#[derive(Debug)]
pub struct Returns {
    people: Vec<Box<str>>,
    /// The contacts of clients with missed calls: by client, then by time.
    contacts: Vec<Contact>,
    /// The index of each of these clients.
    clients: HashMap<Client, usize, FixedState>,
    /// The end of each client's contacts, by the client's index.
    ends: Vec<usize>,
    within_millis: i64,
    now: Stamp,
}

impl Returns {
    /// The fate of a missed call of this enterprise and client that began at `first`.
    pub fn fate(&self, enterprise: usize, client: &str, first: Stamp) -> Fate<'_> {
        self.fate_of(Client::of(enterprise, client), first)
    }

    pub(super) fn fate_of(&self, client: Option<Client>, first: Stamp) -> Fate<'_> {
        let Some(client) = client else {
            return Fate::Anonymous;
        };
        let own = self.contacts_of(client);
        let from = own.partition_point(|contact| contact.first <= first);
        let after = |contact: &Contact| contact.first.since(first);
        let within = own[from..]
            .iter()
            .take_while(|contact| after(contact) <= self.within_millis);
        let by = |contact: &Contact| &*self.people[contact.by as usize];
        if let Some(call) = within.clone().find(|contact| contact.is_outgoing) {
            return Fate::CalledBack {
                by: by(call),
                after_millis: after(call),
                reached: call.reached,
            };
        }
        if let Some(call) = within.clone().find(|contact| contact.reached) {
            return Fate::RangAgain {
                by: by(call),
                after_millis: after(call),
            };
        }
        match self.now.since(first) < self.within_millis {
            true => Fate::Pending,
            false => Fate::NotReturned {
                rang_again: within.clone().next().is_some(),
            },
        }
    }

    fn contacts_of(&self, client: Client) -> &[Contact] {
        let Some(place) = self.clients.get(&client) else {
            return &[];
        };
        let before = place.checked_sub(1);
        &self.contacts[before.map_or(0, |before| self.ends[before])..self.ends[*place]]
    }

    /// The time within which a missed call counts as returned (milliseconds).
    pub fn within_millis(&self) -> i64 {
        self.within_millis
    }
}
