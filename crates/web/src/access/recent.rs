//! A map of bounded size that forgets old entries at a constant cost.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::time::{Duration, Instant};

/// An entry is found for at least `span` after it was inserted, unless more than `keys_max` keys were
/// inserted since. The map never holds more than twice `keys_max` keys.
///
/// The map consists of two halves. New entries go into the young half, which becomes the old one when `span`
/// has passed or when it is full. So the map never has to search for entries to remove.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// When the young half got its first entry; `None` while it is empty.
    since: Option<Instant>,
    span: Duration,
    keys_max: usize,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    pub(super) fn new(span: Duration, keys_max: usize) -> Recent<K, V> {
        Recent {
            young: HashMap::new(),
            old: HashMap::new(),
            since: None,
            span,
            keys_max,
        }
    }

    /// Returns the value, regardless of its age.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn insert(&mut self, key: K, value: V, now: Instant) {
        let over = |since: Instant| now.saturating_duration_since(since) >= self.span;
        if self.young.len() >= self.keys_max || self.since.is_some_and(over) {
            self.old = mem::take(&mut self.young);
            self.since = None;
        }
        self.since.get_or_insert(now);
        self.young.insert(key, value);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_grows_past_twice_its_keys() {
        let (now, mut recent) = (Instant::now(), Recent::new(Duration::from_secs(60), 100));
        for key in 0..10_000 {
            recent.insert(key, (), now);
            assert!(recent.len() <= 200);
            assert!(recent.get(&key).is_some());
        }
        assert!(recent.get(&9_900).is_some());
        assert!(recent.get(&1).is_none());
    }

    #[test]
    fn entries_older_than_two_spans_are_gone() {
        let (start, mut recent) = (Instant::now(), Recent::new(Duration::from_secs(60), 100));
        let at = |seconds| start + Duration::from_secs(seconds);
        recent.insert("a", 1, at(0));
        recent.insert("b", 2, at(59));
        recent.insert("c", 3, at(61));
        assert_eq!(recent.get(&"b"), Some(&2));
        recent.insert("d", 4, at(122));
        assert_eq!((recent.get(&"a"), recent.get(&"b")), (None, None));
        assert_eq!(recent.get(&"c"), Some(&3));
    }
}
