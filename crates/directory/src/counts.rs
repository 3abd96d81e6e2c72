//! How often who was asked, for those who watch a server.

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

impl Counts {
    pub(super) fn of(sources: impl Iterator<Item = &'static str>) -> Counts {
        Counts {
            missing: sources.map(|name| (name, 0)).collect(),
            ..Counts::default()
        }
    }

    /// An enterprise was looked up.
    pub(super) fn looked_up(&mut self, was_asked: bool) {
        match was_asked {
            true => self.asked += 1,
            false => self.remembered += 1,
        }
    }

    /// A question for names lacked the answers of these.
    pub(super) fn lacked(&mut self, sources: &[&'static str]) {
        let missing = self.missing.iter_mut();
        let lacking = missing.filter(|(name, _)| sources.contains(name));
        lacking.for_each(|(_, count)| *count += 1);
    }
}
