//! How many connections there are, in all and from one address.
//!
//! A connection without a request costs nothing but its seat, and a program on this host can open as
//! many as there are. So where no seat is left, the connection that has been without a request for
//! longest is closed for the new one; one with a request never is.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::access::visitor::Visitor;

/// Seats for connections.
#[derive(Debug)]
pub(super) struct Seats {
    in_all: usize,
    each: usize,
    /// Addresses that pass on the connections of others.
    proxies: Vec<IpAddr>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by: HashMap<Visitor, usize>,
    /// Connections without a request, by the number of their rest: the first has rested longest.
    resting: BTreeMap<u64, Arc<Notify>>,
    rests: u64,
}

/// One seat, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    visitor: Option<Visitor>,
    /// Tells the connection that its seat was given away.
    gone: Arc<Notify>,
    /// Its number among those that rest.
    rest: Mutex<Option<u64>>,
}

/// A request of a connection, until its answer was taken: the connection does not rest.
#[derive(Debug)]
pub(super) struct AtWork(Arc<Seat>);

impl Seats {
    pub(super) fn new(in_all: usize, each: usize, proxies: &[IpAddr]) -> Arc<Seats> {
        Arc::new(Seats {
            in_all,
            each,
            proxies: proxies.to_vec(),
            taken: Mutex::default(),
        })
    }

    /// A seat for a peer. Where none is left the connection that has rested longest loses its own;
    /// `None` if none rests, or the peer has too many.
    pub(super) fn take(self: &Arc<Seats>, peer: IpAddr) -> Option<Arc<Seat>> {
        let peer = peer.to_canonical();
        let is_proxy = peer.is_loopback() || self.proxies.contains(&peer);
        let visitor = (!is_proxy).then(|| Visitor::of(peer));
        let mut taken = self.taken();
        let has = visitor.map_or(0, |visitor| taken.by.get(&visitor).copied().unwrap_or(0));
        if visitor.is_some() && has >= self.each {
            return None;
        }
        if taken.in_all >= self.in_all {
            let (_, longest) = taken.resting.pop_first()?;
            longest.notify_one();
        } else {
            taken.in_all += 1;
        }
        if let Some(visitor) = visitor {
            *taken.by.entry(visitor).or_default() += 1;
        }
        let seat = Arc::new(Seat {
            seats: Arc::clone(self),
            visitor,
            gone: Arc::default(),
            rest: Mutex::new(None),
        });
        taken.rest(&seat);
        Some(seat)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn rest(&mut self, seat: &Seat) {
        self.rests += 1;
        self.resting.insert(self.rests, Arc::clone(&seat.gone));
        *seat.number() = Some(self.rests);
    }
}

impl Seat {
    /// Done when the seat was given to another connection.
    pub(super) async fn gone(&self) {
        self.gone.notified().await;
    }

    /// A request begins; the connection rests again when what this returns is dropped.
    pub(super) fn work(self: &Arc<Seat>) -> AtWork {
        let mut taken = self.seats.taken();
        let number = self
            .number()
            .take_if(|number| taken.resting.contains_key(number));
        if let Some(number) = number {
            taken.resting.remove(&number);
        }
        AtWork(Arc::clone(self))
    }

    fn number(&self) -> MutexGuard<'_, Option<u64>> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let seat = &self.0;
        let mut taken = seat.seats.taken();
        // One that lost its seat meanwhile has a number and is not among those that rest.
        if seat.number().is_none() {
            taken.rest(seat);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let number = self.number().take();
        let is_resting = number.is_some_and(|number| taken.resting.remove(&number).is_some());
        // A number that does not rest was given away, and is counted for the one that has it.
        if number.is_none() || is_resting {
            taken.in_all -= 1;
        }
        let Some(visitor) = self.visitor else { return };
        if let Some(has) = taken.by.get_mut(&visitor) {
            *has -= 1;
            if *has == 0 {
                taken.by.remove(&visitor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("it is right")
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let seats = Seats::new(10, 2, &[peer("10.0.0.5")]);
        let first = seats.take(peer("192.0.2.1"));
        let second = seats.take(peer("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(peer("192.0.2.1")).is_none());
        drop(first);
        assert!(seats.take(peer("192.0.2.1")).is_some());
        drop(second);
        assert!(seats.taken.lock().expect("it is right").by.is_empty());
    }

    #[test]
    fn proxies_may_fill_all_seats_and_no_peer_more() {
        let seats = Seats::new(6, 2, &[peer("10.0.0.5")]);
        let peers = ["127.0.0.1", "::1", "10.0.0.5"].repeat(2);
        let all: Vec<_> = peers.iter().map(|text| seats.take(peer(text))).collect();
        assert!(all.iter().all(Option::is_some));
        let at_work: Vec<_> = all.iter().flatten().map(Seat::work).collect();
        assert!(seats.take(peer("127.0.0.1")).is_none());
        drop((at_work, all));
        assert_eq!(seats.taken.lock().expect("it is right").in_all, 0);
    }

    #[tokio::test]
    async fn who_rests_longest_makes_room_and_who_works_does_not() {
        let seats = Seats::new(3, 2, &[]);
        let local = peer("127.0.0.1");
        let take = || seats.take(local).expect("there is one");
        let (first, second, third) = (take(), take(), take());
        let at_work = first.work();
        let fourth = take();
        second.gone().await;
        drop(at_work);
        let fifth = take();
        third.gone().await;
        // The first rests since its request ended, the fourth since before that.
        let sixth = take();
        fourth.gone().await;
        drop((second, third, fourth));
        assert_eq!(seats.taken().in_all, 3);
        // A request that began on a connection which lost its seat gives it no other.
        drop(take());
        let late = first.work();
        drop((late, first, fifth, sixth));
        let taken = seats.taken();
        assert_eq!((taken.in_all, taken.resting.len()), (0, 0));
    }
}
