//! Names by number: each is kept once, however many calls have it.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Numbers names in the order in which they are first seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32, FixedState>,
    /// The name that was asked for last: one call often has the line and the host of the one before.
    last: u32,
}

impl Places {
    /// The number of a name.
    pub(super) fn of(&mut self, name: &str) -> u32 {
        if self
            .names
            .get(self.last as usize)
            .is_some_and(|last| **last == *name)
        {
            return self.last;
        }
        self.last = match self.places.get(name) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.names.len()).expect("memory holds fewer names");
                self.names.push(name.into());
                self.places.insert(name.into(), place);
                place
            }
        };
        self.last
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, place: u32) -> &str {
        &self.names[place as usize]
    }

    /// Takes over the names of another; the numbers that its own get here.
    pub(super) fn join(&mut self, other: &Places) -> Vec<u32> {
        other.names.iter().map(|name| self.of(name)).collect()
    }

    pub(super) fn into_names(self) -> Vec<Box<str>> {
        self.names
    }
}
