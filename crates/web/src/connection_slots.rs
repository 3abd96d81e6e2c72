//! Limits the number of open connections, in total and per address.
//!
//! An idle connection costs no more than its slot, and a program on this host can open as many as there are
//! slots. So if no slot is free, the connection that has been idle for longest is closed for the new one; a
//! connection with a request never is.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::access::remote::RemoteNetwork;

/// The slots for connections.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    in_all: usize,
    each: usize,
    /// The addresses of proxies, which pass on the connections of others.
    proxies: Vec<IpAddr>,
    state: Mutex<SlotState>,
}

#[derive(Debug, Default)]
struct SlotState {
    in_all: usize,
    by_network: HashMap<RemoteNetwork, usize>,
    /// Idle connections, by the number of their idle period: the first has been idle for longest.
    idle: BTreeMap<u64, Arc<Notify>>,
    idle_periods: u64,
}

/// One slot, which is given back when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    slots: Arc<ConnectionSlots>,
    visitor: Option<RemoteNetwork>,
    /// Notifies the connection that its slot was given away.
    gone: Arc<Notify>,
    /// The number of its idle period.
    idle_number: Mutex<Option<u64>>,
}

/// A request of a connection until its answer was sent; the connection is not idle while this lives.
#[derive(Debug)]
pub(super) struct ActiveRequest(Arc<ConnectionSlot>);

impl ConnectionSlots {
    pub(super) fn new(in_all: usize, each: usize, proxies: &[IpAddr]) -> Arc<ConnectionSlots> {
        Arc::new(ConnectionSlots {
            in_all,
            each,
            proxies: proxies.to_vec(),
            state: Mutex::default(),
        })
    }

    /// Returns a slot for a peer. If none is free, the connection that has been idle for longest loses its
    /// own. Returns `None` if no connection is idle, or if the peer has too many.
    pub(super) fn take(self: &Arc<ConnectionSlots>, peer: IpAddr) -> Option<Arc<ConnectionSlot>> {
        let peer = peer.to_canonical();
        let is_proxy = peer.is_loopback() || self.proxies.contains(&peer);
        let visitor = (!is_proxy).then(|| RemoteNetwork::of(peer));
        let mut state = self.state();
        let has = visitor.map_or(0, |visitor| {
            state.by_network.get(&visitor).copied().unwrap_or(0)
        });
        if visitor.is_some() && has >= self.each {
            return None;
        }
        if state.in_all >= self.in_all {
            let (_, longest) = state.idle.pop_first()?;
            longest.notify_one();
        } else {
            state.in_all += 1;
        }
        if let Some(visitor) = visitor {
            *state.by_network.entry(visitor).or_default() += 1;
        }
        let slot = Arc::new(ConnectionSlot {
            slots: Arc::clone(self),
            visitor,
            gone: Arc::default(),
            idle_number: Mutex::new(None),
        });
        state.mark_idle(&slot);
        Some(slot)
    }

    fn state(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotState {
    fn mark_idle(&mut self, slot: &ConnectionSlot) {
        self.idle_periods += 1;
        self.idle.insert(self.idle_periods, Arc::clone(&slot.gone));
        *slot.number() = Some(self.idle_periods);
    }
}

impl ConnectionSlot {
    /// Completes when the slot was given to another connection.
    pub(super) async fn gone(&self) {
        self.gone.notified().await;
    }

    /// Marks the beginning of a request; the connection is idle again when the returned value is dropped.
    pub(super) fn work(self: &Arc<ConnectionSlot>) -> ActiveRequest {
        let mut state = self.slots.state();
        let number = self
            .number()
            .take_if(|number| state.idle.contains_key(number));
        if let Some(number) = number {
            state.idle.remove(&number);
        }
        ActiveRequest(Arc::clone(self))
    }

    fn number(&self) -> MutexGuard<'_, Option<u64>> {
        self.idle_number
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let slot = &self.0;
        let mut state = slot.slots.state();
        // A connection that lost its slot during the request has a number but is not in the list of idle
        // ones.
        if slot.number().is_none() {
            state.mark_idle(slot);
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        let number = self.number().take();
        let is_idle = number.is_some_and(|number| state.idle.remove(&number).is_some());
        // A slot with a number that is not in the list was given away, and is counted for its new owner.
        if number.is_none() || is_idle {
            state.in_all -= 1;
        }
        let Some(visitor) = self.visitor else { return };
        if let Some(has) = state.by_network.get_mut(&visitor) {
            *has -= 1;
            if *has == 0 {
                state.by_network.remove(&visitor);
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
    fn an_address_cannot_exceed_its_share() {
        let slots = ConnectionSlots::new(10, 2, &[peer("10.0.0.5")]);
        let first = slots.take(peer("192.0.2.1"));
        let second = slots.take(peer("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(slots.take(peer("192.0.2.1")).is_none());
        drop(first);
        assert!(slots.take(peer("192.0.2.1")).is_some());
        drop(second);
        assert!(
            slots
                .state
                .lock()
                .expect("it is right")
                .by_network
                .is_empty()
        );
    }

    #[test]
    fn proxies_may_fill_all_slots_and_no_peer_gets_more() {
        let slots = ConnectionSlots::new(6, 2, &[peer("10.0.0.5")]);
        let peers = ["127.0.0.1", "::1", "10.0.0.5"].repeat(2);
        let all: Vec<_> = peers.iter().map(|text| slots.take(peer(text))).collect();
        assert!(all.iter().all(Option::is_some));
        let at_work: Vec<_> = all.iter().flatten().map(ConnectionSlot::work).collect();
        assert!(slots.take(peer("127.0.0.1")).is_none());
        drop((at_work, all));
        assert_eq!(slots.state.lock().expect("it is right").in_all, 0);
    }

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_an_active_one_does_not() {
        let slots = ConnectionSlots::new(3, 2, &[]);
        let local = peer("127.0.0.1");
        let take = || slots.take(local).expect("there is one");
        let (first, second, third) = (take(), take(), take());
        let at_work = first.work();
        let fourth = take();
        second.gone().await;
        drop(at_work);
        let fifth = take();
        third.gone().await;
        // The first is idle since its request ended, the fourth since before that.
        let sixth = take();
        fourth.gone().await;
        drop((second, third, fourth));
        assert_eq!(slots.state().in_all, 3);
        // A request that began on a connection which lost its slot gives it no other one.
        drop(take());
        let late = first.work();
        drop((late, first, fifth, sixth));
        let state = slots.state();
        assert_eq!((state.in_all, state.idle.len()), (0, 0));
    }
}
