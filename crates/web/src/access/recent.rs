//! A map that forgets: bounded in number, by age, and cheap to keep so.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::time::{Duration, Instant};

/// What was put in is found again for `span` at least, unless more than `keys_max` keys came since;
/// there are never more than twice as many.
///
/// Two halves: the young one takes what comes, and becomes the old one when its time is over or
/// it is full. So nothing is ever searched for what to forget.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// When the young half began; `None` while it is empty.
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

    /// The value, whatever its age.
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
    fn what_is_older_than_two_spans_is_gone() {
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
