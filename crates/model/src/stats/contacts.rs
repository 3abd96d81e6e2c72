//! Whether the client of a missed call was called back.
//!
//! A missed call is *returned* if within a certain time after it began somebody called the same number of the client,
//! or the client rang again and was answered. It is *pending* while that time has not passed.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::input::StatsCall;
use super::name_table::NameTable;
use crate::call::{Criteria, Direction, Outcome};
use crate::record::{Stamp, phone};

/// What became of a missed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It came without an outside number, so nobody can call back.
    Anonymous,
    /// Somebody called back: the first call to the client that began after the missed one.
    CalledBack {
        /// Who called; empty if nothing says.
        by: &'a str,
        /// How long after the missed call began.
        after_millis: i64,
        /// The client picked up.
        reached: bool,
    },
    /// Nobody called back, but the client rang again and was answered.
    RangAgain {
        /// Who answered; empty if nothing says.
        by: &'a str,
        /// How long after the missed call began.
        after_millis: i64,
    },
    /// Neither, and there is time left.
    Pending,
    /// Neither.
    NotReturned {
        /// The client rang again, in vain.
        rang_again: bool,
    },
}

/// How many missed calls had which fate. Each has one, so the first six make up all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fates {
    /// Called back, and the client picked up.
    pub reached: usize,
    /// Called back, and the client did not pick up.
    pub tried: usize,
    /// Not called back; the client rang again and was answered.
    pub rang_again_answered: usize,
    /// Not returned yet.
    pub pending: usize,
    /// Not returned.
    pub not_returned: usize,
    /// Without an outside number.
    pub anonymous: usize,
    /// Of those not returned the ones whose client rang again in vain.
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

    /// Somebody called back, whether or not the client picked up.
    pub fn called_back(&self) -> usize {
        self.reached + self.tried
    }
}

/// Who talked to clients, or tried to, and who was missed: what is needed to tell the fate of missed calls.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    people: NameTable,
    contacts: Vec<Contact>,
    missed: HashSet<Client, FixedState>,
}

/// An outside number of an enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Client {
    number: u64,
    enterprise: u32,
}

#[derive(Debug, Clone, Copy)]
struct Contact {
    client: Client,
    first: Stamp,
    /// Who called, or answered.
    by: u32,
    is_outgoing: bool,
    reached: bool,
}

impl Contacts {
    /// Takes a call of the enterprise with this number, which is the caller's own way to tell enterprises apart.
    pub fn add(&mut self, enterprise: usize, call: &StatsCall<'_>) {
        self.add_of(Client::of(enterprise, call.client), call);
    }

    /// The same, of a client who is known already.
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

    /// Takes over what another was given.
    pub fn join(&mut self, other: Contacts) {
        let people = self.people.join(&other.people);
        let contacts = other.contacts.into_iter().map(|contact| Contact {
            by: people[contact.by as usize],
            ..contact
        });
        self.contacts.extend(contacts);
        self.missed.extend(other.missed);
    }

    /// What they say of missed calls, which are returned within so many milliseconds (that long is still within) or
    /// not; `now` is the time of day. The calls taken must reach that long past the missed calls that are asked about.
    pub fn settle(self, within_millis: i64, now: Stamp) -> Returns {
        let clients: HashMap<Client, usize, FixedState> =
            self.missed.into_iter().zip(0..).collect();
        let place = |contact: &Contact| clients.get(&contact.client).copied();
        let places: Vec<Option<usize>> = self.contacts.par_iter().map(place).collect();
        // Behind each other by client, which is quicker than to sort them as a whole.
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
        // Of two at one moment the same one is told, in whatever order they came.
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

    /// As [`phone::key`] has it.
    pub(super) fn number(self) -> u64 {
        self.number
    }
}

/// Which calls [`Contacts`] needs to tell the fate of missed calls, given as their clients and the times they began
/// at: all that began up to so many milliseconds after them, and the missed ones themselves. Of one client alone only
/// the calls of its number, to which an index leads. `None` of no calls; `now` is the time of day.
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

/// The time, exclusive, by which a call must begin to return one that was missed then: so long after is still within.
pub fn end_of(missed: Stamp, within_millis: i64) -> Stamp {
    missed.plus_millis(within_millis).plus_millis(1)
}

/// Tells the fate of missed calls.
#[derive(Debug)]
pub struct Returns {
    people: Vec<Box<str>>,
    /// Of clients that were missed: those of each behind each other, by time.
    contacts: Vec<Contact>,
    /// The places of these clients.
    clients: HashMap<Client, usize, FixedState>,
    /// By place where the contacts of a client end.
    ends: Vec<usize>,
    within_millis: i64,
    now: Stamp,
}

impl Returns {
    /// What became of a missed call of this enterprise and client that began then.
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

    /// Within which time a call is returned (milliseconds).
    pub fn within_millis(&self) -> i64 {
        self.within_millis
    }
}
