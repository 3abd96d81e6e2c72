//! How often may somebody be wrong? Buckets of tries, by address and by enterprise; pure.
//!
//! Only wrong tries are taken from a bucket. An empty bucket refuses right ones too: else guessing
//! goes on at full speed. Strangers who empty an enterprise's bucket do not lock out those who
//! opened it lately from the same address.

use std::hash::Hash;
use std::time::{Duration, Instant};

use super::recent::Recent;
use super::visitor::Visitor;
use calltrace_directory::Secret;
use calltrace_store::tree::EnterpriseName;

/// How many wrong tries there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryLimits {
    /// From one address at once.
    pub address_burst: u32,
    /// One more each time this has passed.
    pub address_every: Duration,
    /// At one enterprise, from all addresses at once.
    pub enterprise_burst: u32,
    /// One more each time this has passed.
    pub enterprise_every: Duration,
    /// An address that was let in is not refused for what others do, for this long.
    pub known_for: Duration,
    /// Addresses, enterprises and pairs of them that are remembered, each.
    pub keys_max: usize,
}

impl Default for TryLimits {
    /// 20, then 10 a minute from an address; 200, then 60 a minute at an enterprise; a day.
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

/// What a try was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Wrong.
    Wrong,
    /// Right, about a secret that might be guessed.
    Right,
    /// Right, about one that can't be.
    Unguessable,
}

impl Answer {
    /// What it was to say something right or wrong about a secret.
    pub(super) fn about(secret: Option<&Secret>, is_right: bool) -> Answer {
        match (is_right, secret.is_some_and(Secret::is_long)) {
            (false, _) => Answer::Wrong,
            (true, true) => Answer::Unguessable,
            (true, false) => Answer::Right,
        }
    }
}

/// The wrong tries of late, and who was right.
#[derive(Debug)]
pub(super) struct Tries {
    addresses: Buckets<Visitor>,
    enterprises: Buckets<EnterpriseName>,
    known: Recent<(Visitor, EnterpriseName), Instant>,
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

    /// Whether the visitor has a try left.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub(super) fn left(&self, visitor: Visitor, now: Instant) -> Result<(), Duration> {
        self.addresses.left(&visitor, now)
    }

    /// Takes a try if it was wrong.
    ///
    /// The enterprise's limit does not hold for who was right of late, nor for who is right about a
    /// secret that nobody can guess: strangers who try many from many addresses shall not lock
    /// people out.
    ///
    /// # Errors
    /// When there was none left, however right it was: how long to wait for the next one.
    pub(super) fn settle(
        &mut self,
        visitor: Visitor,
        enterprise: &EnterpriseName,
        answer: Answer,
        now: Instant,
    ) -> Result<(), Duration> {
        self.left(visitor, now)?;
        if answer != Answer::Unguessable && !self.is_known(visitor, enterprise, now) {
            self.enterprises.left(enterprise, now)?;
        }
        if answer != Answer::Wrong {
            self.known.insert((visitor, enterprise.clone()), now, now);
            return Ok(());
        }
        self.addresses.take(visitor, now);
        self.enterprises.take(enterprise.clone(), now);
        Ok(())
    }

    fn is_known(&self, visitor: Visitor, enterprise: &EnterpriseName, now: Instant) -> bool {
        let was_right = self.known.get(&(visitor, enterprise.clone()));
        was_right.is_some_and(|at| now.saturating_duration_since(*at) < self.known_for)
    }
}

/// A bucket a key. Of each only the moment is kept at which it will be full again; one that is not
/// kept is full.
#[derive(Debug)]
struct Buckets<K> {
    full_at: Recent<K, Instant>,
    every: Duration,
    /// The time in which an empty bucket fills.
    whole: Duration,
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(burst: u32, every: Duration, keys_max: usize) -> Buckets<K> {
        let whole = every * burst;
        Buckets {
            // A bucket that nobody took from for this long is full.
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

/// Rounded up: who waits so long has waited long enough.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn visitor(text: &str) -> Visitor {
        Visitor::of(text.parse::<IpAddr>().expect("it is right"))
    }

    fn enterprise(name: &str) -> EnterpriseName {
        EnterpriseName::new(name).expect("it is right")
    }

    /// How many wrong tries pass until one is refused, and for how long it is.
    fn wrong(tries: &mut Tries, from: &str, at: &str, now: Instant) -> (usize, Duration) {
        for passed in 0.. {
            if let Err(wait) = tries.settle(visitor(from), &enterprise(at), Answer::Wrong, now) {
                return (passed, wait);
            }
        }
        unreachable!("there is a limit")
    }

    #[test]
    fn twenty_are_wrong_at_once_then_ten_a_minute() {
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
    fn an_empty_bucket_refuses_right_ones_too() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        wrong(&mut tries, "10.0.0.1", "0367", now);
        let right = tries.settle(visitor("10.0.0.1"), &enterprise("0103"), Answer::Right, now);
        assert_eq!(right, Err(Duration::from_secs(6)));
        let elsewhere = tries.settle(visitor("10.0.0.2"), &enterprise("0103"), Answer::Right, now);
        assert_eq!(elsewhere, Ok(()));
    }

    #[test]
    fn right_ones_take_nothing() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        for _ in 0..1000 {
            let right = tries.settle(visitor("10.0.0.1"), &enterprise("0367"), Answer::Right, now);
            assert_eq!(right, Ok(()));
        }
        assert_eq!(wrong(&mut tries, "10.0.0.1", "0367", now).0, 20);
    }

    #[test]
    fn strangers_do_not_lock_out_who_was_let_in_today() {
        let (start, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        let (ours, here) = (visitor("10.9.9.9"), enterprise("0367"));
        assert_eq!(tries.settle(ours, &here, Answer::Right, start), Ok(()));
        let mut passed = 0;
        for n in 0..20 {
            passed += wrong(&mut tries, &format!("10.0.0.{n}"), "0367", start).0;
        }
        assert_eq!(passed, 200);
        assert_eq!(tries.settle(ours, &here, Answer::Right, start), Ok(()));
        let (new, elsewhere) = (visitor("10.8.8.8"), enterprise("0103"));
        let wait = Err(Duration::from_secs(1));
        assert_eq!(tries.settle(new, &here, Answer::Right, start), wait);
        assert_eq!(tries.settle(new, &elsewhere, Answer::Right, start), Ok(()));
    }

    #[test]
    fn strangers_do_not_lock_out_who_has_a_secret_that_nobody_guesses() {
        let (now, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
        for n in 0..20 {
            wrong(&mut tries, &format!("10.0.0.{n}"), "0367", now);
        }
        let (new, here) = (visitor("10.8.8.8"), enterprise("0367"));
        let wait = Err(Duration::from_secs(1));
        assert_eq!(tries.settle(new, &here, Answer::Wrong, now), wait);
        assert_eq!(tries.settle(new, &here, Answer::Unguessable, now), Ok(()));
        let tried = visitor("10.0.0.1");
        let right = tries.settle(tried, &here, Answer::Unguessable, now);
        assert!(
            right.is_err(),
            "an address with no try left is refused all the same"
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
        /// Whatever the rhythm of the tries, no span of time sees more than burst and refill.
        #[test]
        fn no_rhythm_gets_more_tries(pauses in proptest::collection::vec(0_u64..20_000, 1..200)) {
            let (start, mut tries) = (Instant::now(), Tries::new(TryLimits::default()));
            let (mut millis, mut passed) = (0, 0);
            for pause in pauses {
                millis += pause;
                let now = start + Duration::from_millis(millis);
                let settled = tries.settle(visitor("10.0.0.1"), &enterprise("0367"), Answer::Wrong, now);
                passed += u64::from(settled.is_ok());
                proptest::prop_assert!(passed <= 20 + millis / 6_000);
            }
        }
    }
}
