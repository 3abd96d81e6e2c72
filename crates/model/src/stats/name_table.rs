//! Gives each name a number, so that it is kept once for all calls that have it.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// The size of the cache of recent names.
const RECENT: usize = 64;

/// Gives names numbers, in the order in which they are first seen.
#[derive(Debug, Clone)]
pub(super) struct NameTable {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32, FixedState>,
    /// The numbers of recent names, by their last byte and length: calls repeat the same few persons and
    /// hosts.
    recent: [u32; RECENT],
}

impl Default for NameTable {
    fn default() -> NameTable {
        NameTable {
            names: Vec::new(),
            places: HashMap::default(),
            recent: [0; RECENT],
        }
    }
}

impl NameTable {
    /// The number of a name, which is added if it is new.
    pub(super) fn of(&mut self, name: &str) -> u32 {
        let end = name.bytes().next_back().unwrap_or_default();
        let recent = usize::from(end).wrapping_add(name.len()) % RECENT;
        let place = self.recent[recent];
        let known = self.names.get(place as usize);
        if known.is_some_and(|known| **known == *name) {
            return place;
        }
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.names.len()).expect("memory holds fewer names");
                self.names.push(name.into());
                self.places.insert(name.into(), place);
                place
            }
        };
        self.recent[recent] = place;
        place
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, place: u32) -> &str {
        &self.names[place as usize]
    }

    /// Adds the names of another table. Returns the numbers that its names get here.
    pub(super) fn join(&mut self, other: &NameTable) -> Vec<u32> {
        other.names.iter().map(|name| self.of(name)).collect()
    }

    pub(super) fn into_names(self) -> Vec<Box<str>> {
        self.names
    }
}
