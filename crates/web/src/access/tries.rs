//! Limits wrong tries with token buckets, by address and by enterprise. Pure.
//!
//! Only a wrong try takes a token from a bucket. An empty bucket refuses right tries too, because otherwise
//! guessing would go on at full speed. Strangers who empty an enterprise's bucket do not lock out visitors
//! who opened it recently from the same address.

use std::hash::Hash;
use std::time::{Duration, Instant};

use super::recent::Recent;
use super::remote::RemoteNetwork;
use calltrace_directory::Secret;
use calltrace_store::tree::EnterpriseName;

/// How many wrong tries are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryLimits {
    /// Tries from one address at once.
    pub address_burst: u32,
    /// An address gets one more try each time this has passed.
    pub address_every: Duration,
    /// Tries at one enterprise at once, from all addresses.
    pub enterprise_burst: u32,
    /// An enterprise gets one more try each time this has passed.
    pub enterprise_every: Duration,
    /// An address that was let in is not refused for this long because of tries from other addresses.
    pub known_for: Duration,
    /// The number of addresses, of enterprises and of pairs of them that are remembered, each.
    pub keys_max: usize,
}

impl Default for TryLimits {
    /// An address has 20 tries, then 10 per minute. An enterprise has 200, then 60 per minute. An address is
    /// known for a day.
    fn default() -> TryLimits {
        TryLimits {
            address_burst: 20,
            address_every: Duration::from_secs(6),
            enterprise_burst: 200,
            enterprise_every: Duration::from_secs(1),
            known_for: Duration::from_secs(86_400),
            keys_max: 32_768,
        }
    }
}

/// The result of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TryResult {
    Wrong,
    /// Right, for a secret that could be guessed.
    Right,
    /// Right, for a secret that is too long to guess.
    Unguessable,
}

impl TryResult {
    /// Classifies a right or wrong try for a secret.
    pub(super) fn about(secret: Option<&Secret>, is_right: bool) -> TryResult {
        match (is_right, secret.is_some_and(Secret::is_long)) {
            (false, _) => TryResult::Wrong,
            (true, true) => TryResult::Unguessable,
            (true, false) => TryResult::Right,
        }
    }
}

/// The recent wrong tries, and the addresses that were let in.
#[derive(Debug)]
pub(super) struct Tries {
    addresses: Buckets<RemoteNetwork>,
    enterprises: Buckets<EnterpriseName>,
    known: Recent<(RemoteNetwork, EnterpriseName), Instant>,
    known_for: Duration,
}

impl Tries {
    pub(super) fn new(limits: TryLimits) -> Tries {
        let keys = limits.keys_max;
        Tries {
            addresses: Buckets::new(limits.address_burst, limits.address_every, keys),
            enterprises: Buckets::new(limits.enterprise_burst, limits.enterprise_every, keys),
            known: Recent::new(limits.known_for, keys),
            known_for: limits.known_for,
        }
    }

    /// Checks whether the visitor has a try left.
    ///
    /// # Errors
    /// Returns how long to wait for the next try.
    pub(super) fn left(&self, visitor: RemoteNetwork, now: Instant) -> Result<(), Duration> {
        self.addresses.left(&visitor, now)
    }

    /// Takes a token from the buckets if the try was wrong.
    ///
    /// The enterprise's limit does not apply to an address that was right recently, or to a right token
    /// for a secret that can't be guessed: strangers who try many tokens from many addresses must not
    /// lock people out.
    ///
    /// # Errors
    /// Returns how long to wait for the next try if no try was left. A right token is refused then, too.
    pub(super) fn settle(
        &mut self,
        visitor: RemoteNetwork,
        enterprise: &EnterpriseName,
        answer: TryResult,
        now: Instant,
    ) -> Result<(), Duration> {
        self.left(visitor, now)?;
        if answer != TryResult::Unguessable && !self.is_known(visitor, enterprise, now) {
            self.enterprises.left(enterprise, now)?;
        }
        if answer != TryResult::Wrong {
            self.known.insert((visitor, enterprise.clone()), now, now);
            return Ok(());
        }
        self.addresses.take(visitor, now);
        self.enterprises.take(enterprise.clone(), now);
        Ok(())
    }

    fn is_known(&self, visitor: RemoteNetwork, enterprise: &EnterpriseName, now: Instant) -> bool {
        let was_right = self.known.get(&(visitor, enterprise.clone()));
        was_right.is_some_and(|at| now.saturating_duration_since(*at) < self.known_for)
    }
}

/// Token buckets, one per key. Each stores only the moment at which it will be full again; a bucket that is
/// not stored is full.
#[derive(Debug)]
struct Buckets<K> {
    full_at: Recent<K, Instant>,
    every: Duration,
    /// The time in which an empty bucket becomes full.
    whole: Duration,
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(burst: u32, every: Duration, keys_max: usize) -> Buckets<K> {
        let whole = every * burst;
        Buckets {
            // A bucket that lost no try for this long is full.
            full_at: Recent::new(whole, keys_max),
            every,
            whole,
        }
    }

    fn left(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let after = self.lacking(key, now) + self.every;
        match after.checked_sub(self.whole) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    fn take(&mut self, key: K, now: Instant) {
        let lacking = self.lacking(&key, now) + self.every;
        self.full_at.insert(key, now + lacking, now);
    }

    fn lacking(&self, key: &K, now: Instant) -> Duration {
        let full_at = self.full_at.get(key);
        full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }
}

/// Rounds up, so that a client that waits this long has waited long enough.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn visitor(text: &str) -> RemoteNetwork {
        RemoteNetwork::of(text.parse::<IpAddr>().expect("it is right"))
    }

    fn enterprise(name: &str) -> EnterpriseName {
        EnterpriseName::new(name).expect("it is right")
    }

    /// Makes wrong tries until one is refused; returns their number and the time to wait.
    fn wrong(tries: &mut Tries, from: &str, at: &str, now: Instant) -> (usize, Duration) {
        for passed in 0.. {
            if let Err(wait) = tries.settle(visitor(from), &enterprise(at), TryResult::Wrong, now) {
                return (passed, wait);
            }
        }
        unreachable!("there is a limit")
    }

    #[test]
    fn an_address_has_twenty_wrong_tries_then_ten_per_minute() {
        let (start, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        let six = Duration::from_secs(6);
        assert_eq!(wrong(&mut tries, "10.0.0.1", "0367", start), (20, six));
        assert_eq!(wrong(&mut tries, "10.0.0.2", "0367", start), (20, six));
        assert_eq!(wrong(&mut tries, "10.0.0.1", "0367", start + six), (1, six));
        let minute = start + six + Duration::from_secs(60);
        assert_eq!(wrong(&mut tries, "10.0.0.1", "0103", minute), (10, six));
        let day = start + Duration::from_secs(86_400);
        assert_eq!(wrong(&mut tries, "10.0.0.1", "0367", day), (20, six));
    }

    #[test]
    fn an_empty_bucket_refuses_right_tries() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        wrong(&mut tries, "10.0.0.1", "0367", now);
        let right = tries.settle(
            visitor("10.0.0.1"),
            &enterprise("0103"),
            TryResult::Right,
            now,
        );
        assert_eq!(right, Err(Duration::from_secs(6)));
        let elsewhere = tries.settle(
            visitor("10.0.0.2"),
            &enterprise("0103"),
            TryResult::Right,
            now,
        );
        assert_eq!(elsewhere, Ok(()));
    }

    #[test]
    fn right_tries_take_nothing_from_the_buckets() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        for _ in 0..1000 {
            let right = tries.settle(
                visitor("10.0.0.1"),
                &enterprise("0367"),
                TryResult::Right,
                now,
            );
            assert_eq!(right, Ok(()));
        }
        assert_eq!(wrong(&mut tries, "10.0.0.1", "0367", now).0, 20);
    }

    #[test]
    fn strangers_do_not_lock_out_a_visitor_who_was_let_in_today() {
        let (start, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        let (ours, here) = (visitor("10.9.9.9"), enterprise("0367"));
        assert_eq!(tries.settle(ours, &here, TryResult::Right, start), Ok(()));
        let mut passed = 0;
        for n in 0..20 {
            passed += wrong(&mut tries, &format!("10.0.0.{n}"), "0367", start).0;
        }
        assert_eq!(passed, 200);
        assert_eq!(tries.settle(ours, &here, TryResult::Right, start), Ok(()));
        let (new, elsewhere) = (visitor("10.8.8.8"), enterprise("0103"));
        let wait = Err(Duration::from_secs(1));
        assert_eq!(tries.settle(new, &here, TryResult::Right, start), wait);
        assert_eq!(
            tries.settle(new, &elsewhere, TryResult::Right, start),
            Ok(())
        );
    }

    #[test]
    fn strangers_do_not_lock_out_a_visitor_with_a_secret_that_can_not_be_guessed() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        for n in 0..20 {
            wrong(&mut tries, &format!("10.0.0.{n}"), "0367", now);
        }
        let (new, here) = (visitor("10.8.8.8"), enterprise("0367"));
        let wait = Err(Duration::from_secs(1));
        assert_eq!(tries.settle(new, &here, TryResult::Wrong, now), wait);
        assert_eq!(
            tries.settle(new, &here, TryResult::Unguessable, now),
            Ok(())
        );
        let tried = visitor("10.0.0.1");
        let right = tries.settle(tried, &here, TryResult::Unguessable, now);
        assert!(
            right.is_err(),
            "an address with no try left is still refused"
        );
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        assert_eq!(wrong(&mut tries, "2001:db8:1:2::1", "0367", now).0, 20);
        assert_eq!(wrong(&mut tries, "2001:db8:1:2:ffff::9", "0367", now).0, 0);
        assert_eq!(wrong(&mut tries, "2001:db8:1:3::1", "0367", now).0, 20);
    }

    proptest::proptest! {
        /// No interval sees more tries than the burst and the refill allow, regardless of their rhythm.
        #[test]
        fn no_rhythm_gets_more_tries(pauses in proptest::collection::vec(0_u64..20_000, 1..200)) {
            let (start, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
            let (mut millis, mut passed) = (0, 0);
            for pause in pauses {
                millis += pause;
                let now = start + Duration::from_millis(millis);
                let settled = tries.settle(visitor("10.0.0.1"), &enterprise("0367"), TryResult::Wrong, now);
                passed += u64::from(settled.is_ok());
                proptest::prop_assert!(passed <= 20 + millis / 6_000);
            }
        }
    }
}
