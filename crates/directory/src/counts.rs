//! How often who was asked, for those who watch a server.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a directory has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Enterprises that were remembered.
    pub remembered: u64,
    /// Enterprises that had to be asked for.
    pub asked: u64,
    /// By source: questions for names that it could not answer, or not whole.
    pub missing: Vec<(&'static str, u64)>,
}

/// The same, being counted.
#[derive(Debug, Default)]
pub(super) struct Counting {
    remembered: AtomicU64,
    asked: AtomicU64,
    missing: Vec<(&'static str, AtomicU64)>,
}

impl Counting {
    pub(super) fn of(sources: impl Iterator<Item = &'static str>) -> Counting {
        Counting {
            missing: sources.map(|name| (name, AtomicU64::new(0))).collect(),
            ..Counting::default()
        }
    }

    /// An enterprise was looked up.
    pub(super) fn looked_up(&self, was_asked: bool) {
        let counter = if was_asked {
            &self.asked
        } else {
            &self.remembered
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// These sources did not answer a question for names, or not whole.
    pub(super) fn lacked(&self, sources: &[&'static str]) {
        let lacking = self
            .missing
            .iter()
            .filter(|(name, _)| sources.contains(name));
        lacking.for_each(|(_, counter)| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    }

    pub(super) fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let missing = self.missing.iter().map(|(name, n)| (*name, of(n)));
        Counts {
            remembered: of(&self.remembered),
            asked: of(&self.asked),
            missing: missing.collect(),
        }
    }
}
