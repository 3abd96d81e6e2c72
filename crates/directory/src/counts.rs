//! How often each source is asked, for metrics.

/// What a directory has done since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryCounts {
    /// Enterprises that were found in the cache.
    pub remembered: u64,
    /// Enterprises that the sources were asked for.
    pub asked: u64,
    /// By source: questions for names that it did not answer, or answered only in part.
    pub missing: Vec<(&'static str, u64)>,
}

impl DirectoryCounts {
    pub(super) fn of(sources: impl Iterator<Item = &'static str>) -> DirectoryCounts {
        DirectoryCounts {
            missing: sources.map(|name| (name, 0)).collect(),
            ..DirectoryCounts::default()
        }
    }

    /// Counts a lookup of an enterprise.
    pub(super) fn looked_up(&mut self, was_asked: bool) {
        match was_asked {
            true => self.asked += 1,
            false => self.remembered += 1,
        }
    }

    /// Counts a question for names that these sources did not answer.
    pub(super) fn lacked(&mut self, sources: &[&'static str]) {
        let missing = self.missing.iter_mut();
        let lacking = missing.filter(|(name, _)| sources.contains(name));
        lacking.for_each(|(_, count)| *count += 1);
    }
}
