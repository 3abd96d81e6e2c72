//! Call patterns: the actions of each party, and their times after `t0`, when a call enters the PBX.
//!
//! Weights are cards in a deck, not odds, so that every pattern occurs in any 200 calls.

mod consult;
mod crm;
mod forwarded;
mod incoming;
mod internal;
mod outgoing;

use super::enterprise::Enterprise;
use super::random::SplitMix64;

/// Plays one call (or two) that starts at `t0`, ms since 1970 UTC; true means two.
type Play = fn(&mut Enterprise, &'static str, i64) -> bool;

/// Name, cards in a deck of 100, and the pattern itself.
const PATTERNS: [(&str, u32, Play); 19] = [
    ("incoming-answered", 19, incoming::answered),
    ("incoming-missed", 25, incoming::missed),
    ("incoming-simple", 4, incoming::simple),
    ("outgoing-answered", 14, outgoing::answered),
    ("outgoing-missed", 12, outgoing::missed),
    ("crm", 4, crm::crm),
    ("consult-refused", 1, consult::refused),
    ("consult-accepted", 1, consult::accepted),
    ("consult-orphan-hangup", 1, consult::orphan_hangup),
    ("transfer-a-b-c", 1, consult::transfer),
    ("mobile-answered", 2, forwarded::mobile_answered),
    ("mobile-tried", 2, forwarded::mobile_tried),
    ("followme", 1, forwarded::followme),
    ("internal", 4, internal::with_dial),
    ("internal-no-dial", 2, internal::without_dial),
    ("no-hangup", 2, no_hangup),
    ("bridge-before-dial", 2, outgoing::bridge_before_dial),
    ("same-phone-same-minute", 2, incoming::same_phone),
    ("emulator", 1, outgoing::emulator),
];

/// The pattern of calls that `mess` adds: their ids are another call's id plus one digit.
pub const PREFIX_TRAP: &str = "prefix-trap";

/// Every pattern that a tree of 200 calls or more holds.
pub fn names() -> impl Iterator<Item = &'static str> {
    PATTERNS.iter().map(|(name, _, _)| *name)
}

/// Deals patterns in their proportions.
pub struct Deck {
    rng: SplitMix64,
    cards: Vec<u8>,
}

impl Deck {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: SplitMix64::new(seed),
            cards: Vec::new(),
        }
    }

    /// Plays the next pattern; returns how many calls that made.
    pub fn play(&mut self, e: &mut Enterprise, t0: i64) -> u32 {
        if self.cards.is_empty() {
            for (nth, (_, weight, _)) in PATTERNS.iter().enumerate() {
                self.cards.extend((0..*weight).map(|_| nth as u8));
            }
            self.rng.shuffle(&mut self.cards);
        }
        let card = self.cards.pop().expect("filled above");
        let (name, _, play) = PATTERNS[usize::from(card)];
        1 + u32::from(play(e, name, t0))
    }
}

/// Plays an incoming call; its main id is the last counted one plus `digit`, in the same second.
pub fn play_prefix_trap(e: &mut Enterprise, t0: i64, digit: u32) {
    let (second, counter) = e.last_main;
    e.next_main_uid = Some(format!("{second}.{counter}{digit}"));
    let play = if digit.is_multiple_of(2) {
        incoming::answered
    } else {
        incoming::missed
    };
    play(e, PREFIX_TRAP, t0);
}

/// The PBX forgets to say that a call ended: the message about it stands for ever.
fn no_hangup(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    match e.rng.one_in(2) {
        true => incoming::without_hangup(e, pattern, t0),
        false => outgoing::without_hangup(e, pattern, t0),
    }
}
