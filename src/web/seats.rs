//! How many connections there are, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::access::visitor::Visitor;

/// Seats for connections.
#[derive(Debug)]
pub(super) struct Seats {
    in_all: usize,
    each: usize,
    /// Whose connections are many because they are other people's.
    proxies: Vec<IpAddr>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by: HashMap<Visitor, usize>,
}

/// One seat, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    visitor: Option<Visitor>,
}

impl Seats {
    pub(super) fn new(in_all: usize, each: usize, proxies: &[IpAddr]) -> Arc<Seats> {
        Arc::new(Seats {
            in_all,
            each,
            proxies: proxies.to_vec(),
            taken: Mutex::default(),
        })
    }

    /// A seat for a peer; `None` if there is none left, or it has too many.
    pub(super) fn take(self: &Arc<Seats>, peer: IpAddr) -> Option<Seat> {
        let peer = peer.to_canonical();
        let is_proxy = peer.is_loopback() || self.proxies.contains(&peer);
        let visitor = (!is_proxy).then(|| Visitor::of(peer));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.in_all >= self.in_all {
            return None;
        }
        if let Some(visitor) = visitor {
            let has = taken.by.entry(visitor).or_default();
            if *has >= self.each {
                return None;
            }
            *has += 1;
        }
        taken.in_all += 1;
        Some(Seat {
            seats: Arc::clone(self),
            visitor,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let taken = self.seats.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.in_all -= 1;
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
    fn proxies_may_fill_all_seats_and_nobody_more() {
        let seats = Seats::new(6, 2, &[peer("10.0.0.5")]);
        let peers = ["127.0.0.1", "::1", "10.0.0.5"].repeat(2);
        let all: Vec<_> = peers.iter().map(|text| seats.take(peer(text))).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(seats.take(peer("127.0.0.1")).is_none());
        drop(all);
        assert_eq!(seats.taken.lock().expect("it is right").in_all, 0);
    }
}
