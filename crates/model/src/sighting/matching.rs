//! Matches sent events with events that arrived, each sighting with at most one of the other side.
//!
//! Equal bodies are matched first, then different bodies of the same event and id, then events without a
//! noted body by their type alone. Within a group of equal events, arrivals are taken in the order of time,
//! and each goes to the sent event with the window that ends first. No other way matches more of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

use foldhash::fast::RandomState;

use super::{Difference, Sighting};

type Map<K, V> = HashMap<K, V, RandomState>;

/// The time in which a sent event may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchWindow {
    /// How long before it was sent (milliseconds): the clocks of two hosts differ.
    pub before_millis: i64,
    /// How long after the sender got its answer or stopped waiting (milliseconds).
    pub after_millis: i64,
}

impl Default for MatchWindow {
    /// From five seconds before to fifteen minutes after.
    fn default() -> MatchWindow {
        MatchWindow {
            before_millis: 5_000,
            after_millis: 15 * 60_000,
        }
    }
}

impl MatchWindow {
    /// The first and last moment at which the event may arrive, both inclusive (milliseconds since 1970 UTC).
    pub fn around(self, sent: &Sighting) -> (i64, i64) {
        self.around_time(sent.at_millis, sent.waited_millis)
    }

    /// The moments at which an event may arrive, as [`MatchWindow::around`] returns them, if it was sent at
    /// `at_millis` by a sender that waited for `waited_millis`.
    pub fn around_time(self, at_millis: i64, waited_millis: u64) -> (i64, i64) {
        let waited = i64::try_from(waited_millis).unwrap_or(i64::MAX);
        let last = at_millis.saturating_add(waited);
        (
            at_millis.saturating_sub(self.before_millis),
            last.saturating_add(self.after_millis),
        )
    }
}

/// A sent event and the event as which it arrived, as indexes into the slices that were compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The index in `sent`.
    pub sent: usize,
    /// The index in `received`.
    pub received: usize,
    /// The fields that differ; empty if the bodies are equal, or the sender noted no body.
    pub differences: Vec<Difference>,
}

/// The result of comparing two sides. Each sighting is in exactly one of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Events that were sent and received, in the order of `sent`.
    pub pairs: Vec<Pair>,
    /// Indexes in `sent` of the events that did not arrive, ascending.
    pub missing: Vec<usize>,
    /// Indexes in `received` of the events that arrived more often than they were sent, ascending.
    pub duplicates: Vec<usize>,
    /// Indexes in `received` of the events that were not sent, ascending.
    pub unsent: Vec<usize>,
}

/// Compares two sides. The slices may be in any order.
pub fn compare(sent: &[Sighting], received: &[Sighting], window: MatchWindow) -> Comparison {
    let mut state = Matching {
        sent,
        received,
        window,
        of_sent: vec![None; sent.len()],
        of_received: vec![None; received.len()],
    };
    let all = ((0..sent.len()).collect(), (0..received.len()).collect());
    for group in state.groups(all, |one| (one.event.as_ref(), one.body.canonical())) {
        state.join_in_time(&group);
    }
    let duplicates = state.duplicates();
    let left = state.left(&duplicates);
    for group in state.groups(left, |one| (one.event.as_ref(), one.body.id())) {
        state.join_similar(&group);
    }
    let (mut sent_left, received_left) = state.left(&duplicates);
    sent_left.retain(|&place| sent[place].body.is_unknown());
    for group in state.groups((sent_left, received_left), |one| one.event.as_ref()) {
        state.join_in_time(&group);
    }
    state.comparison(duplicates)
}

/// Sightings of both sides with the same key.
#[derive(Default)]
struct SightingGroup {
    sent: Vec<usize>,
    received: Vec<usize>,
}

struct Matching<'a> {
    sent: &'a [Sighting],
    received: &'a [Sighting],
    window: MatchWindow,
    /// For each sent event, the index of its arrival.
    of_sent: Vec<Option<usize>>,
    /// For each event that arrived, the index of its sending.
    of_received: Vec<Option<usize>>,
}

impl<'a> Matching<'a> {
    /// Sorts indexes of both sides into groups. Returns the groups with events of both sides, each in the
    /// order of time.
    fn groups<K: Eq + Hash>(
        &self,
        (sent, received): (Vec<usize>, Vec<usize>),
        key: impl Fn(&'a Sighting) -> K,
    ) -> Vec<SightingGroup> {
        let mut groups: Map<K, SightingGroup> = Map::default();
        for place in sent {
            let group = groups.entry(key(&self.sent[place])).or_default();
            group.sent.push(place);
        }
        for place in received {
            // Events with a key that was not sent need no group.
            if let Some(group) = groups.get_mut(&key(&self.received[place])) {
                group.received.push(place);
            }
        }
        let mut groups: Vec<SightingGroup> = groups
            .into_values()
            .filter(|group| !group.received.is_empty())
            .collect();
        for SightingGroup { sent, received } in &mut groups {
            sent.sort_by_key(|&place| self.sent[place].at_millis);
            received.sort_by_key(|&place| self.received[place].at_millis);
        }
        groups
    }

    /// The events of both sides that have no counterpart yet.
    fn left(&self, duplicates: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let sent = (0..self.sent.len()).filter(|&place| self.of_sent[place].is_none());
        let received = (0..self.received.len()).filter(|place| {
            self.of_received[*place].is_none() && duplicates.binary_search(place).is_err()
        });
        (sent.collect(), received.collect())
    }

    fn join(&mut self, sent: usize, received: usize) {
        self.of_sent[sent] = Some(received);
        self.of_received[received] = Some(sent);
    }

    /// Joins sightings that differ only in time.
    fn join_in_time(&mut self, group: &SightingGroup) {
        // The sent events that may arrive at this moment, with the window that ends first on top.
        let mut open: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut coming = group.sent.iter().copied().peekable();
        for &arrived in &group.received {
            let at = self.received[arrived].at_millis;
            while let Some(place) =
                coming.next_if(|&place| self.window.around(&self.sent[place]).0 <= at)
            {
                open.push(Reverse((self.window.around(&self.sent[place]).1, place)));
            }
            while let Some(Reverse((last, place))) = open.pop() {
                if last >= at {
                    self.join(place, arrived);
                    break;
                }
            }
        }
    }

    /// Joins the remaining sightings of one event and id, beginning with the bodies that differ least.
    fn join_similar(&mut self, group: &SightingGroup) {
        let id = |&place: &usize| self.sent[place].body.id();
        if group.sent.first().map(id).is_none_or(|id| id.is_empty()) {
            return;
        }
        let mut choices: Vec<(usize, i64, usize, usize)> = Vec::new();
        for &from in &group.sent {
            let (first, last) = self.window.around(&self.sent[from]);
            let near = group
                .received
                .iter()
                .filter(|&&to| (first..=last).contains(&self.received[to].at_millis))
                .take(CANDIDATES_MAX);
            for &to in near {
                let (one, other) = (&self.sent[from], &self.received[to]);
                let differences = one.body.differences(&other.body).len();
                let lag = (other.at_millis - one.at_millis).abs();
                choices.push((differences, lag, from, to));
            }
        }
        choices.sort_unstable();
        for (_, _, from, to) in choices {
            if self.of_sent[from].is_none() && self.of_received[to].is_none() {
                self.join(from, to);
            }
        }
    }

    /// The arrivals without a counterpart that have the same body as a matched event and are in its window:
    /// they arrived once more. Ascending.
    fn duplicates(&self) -> Vec<usize> {
        let mut arrived: Map<(&str, &str), Vec<(i64, i64)>> = Map::default();
        for (place, one) in self.sent.iter().enumerate() {
            if self.of_sent[place].is_some() {
                arrived
                    .entry((one.event.as_ref(), one.body.canonical()))
                    .or_default()
                    .push(self.window.around(one));
            }
        }
        (0..self.received.len())
            .filter(|&place| {
                let one = &self.received[place];
                self.of_received[place].is_none()
                    && arrived
                        .get(&(one.event.as_ref(), one.body.canonical()))
                        .is_some_and(|windows| {
                            windows
                                .iter()
                                .any(|&(first, last)| (first..=last).contains(&one.at_millis))
                        })
            })
            .collect()
    }

    fn comparison(self, duplicates: Vec<usize>) -> Comparison {
        let (missing, unsent) = self.left(&duplicates);
        let mut answer = Comparison {
            pairs: Vec::new(),
            missing,
            duplicates,
            unsent,
        };
        for (sent, received) in self.of_sent.iter().enumerate() {
            if let Some(received) = *received {
                let (one, other) = (&self.sent[sent], &self.received[received]);
                let differences = match one.body.is_unknown() {
                    true => Vec::new(),
                    false => one.body.differences(&other.body),
                };
                answer.pairs.push(Pair {
                    sent,
                    received,
                    differences,
                });
            }
        }
        answer
    }
}

/// The largest number of arrivals that are compared with one sent event. Real events have a handful with the
/// same type and id; a hostile file must not make this quadratic.
const CANDIDATES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sighting::{Delivery, EventBody, SeenAt};

    fn seen(at_millis: i64, event: &str, body: &str) -> Sighting {
        Sighting {
            at_millis,
            waited_millis: 0,
            event: event.into(),
            body: EventBody::parse(body),
            delivery: Delivery::Accepted,
            seen_at: SeenAt {
                source: "test".into(),
                number: 1,
            },
        }
    }

    fn compared(sent: &[Sighting], received: &[Sighting]) -> Comparison {
        compare(sent, received, MatchWindow::default())
    }

    const DIAL: &str = r#"{"UniqueId":"1.1","Phone":"1"}"#;

    #[test]
    fn an_event_that_was_sent_twice_must_arrive_twice() {
        let twice = [seen(0, "dial", DIAL), seen(10, "dial", DIAL)];
        let answer = compared(&twice, &twice);
        assert_eq!(answer.pairs.len(), 2);
        assert!(answer.missing.is_empty() && answer.duplicates.is_empty());
        let answer = compared(&twice, &twice[..1]);
        assert_eq!((answer.pairs.len(), answer.missing), (1, vec![1]));
        let answer = compared(&twice[..1], &twice);
        assert_eq!((answer.pairs.len(), answer.duplicates), (1, vec![1]));
    }

    #[test]
    fn the_window_is_inclusive_and_counts_from_the_answer() {
        let mut sent = seen(1_000_000, "dial", DIAL);
        for (at, arrives) in [
            (994_999, false),
            (995_000, true),
            (1_900_000, true),
            (1_900_001, false),
        ] {
            let answer = compared(std::slice::from_ref(&sent), &[seen(at, "dial", DIAL)]);
            assert_eq!(answer.missing.is_empty(), arrives, "{at}");
        }
        sent.waited_millis = 3_000;
        assert!(
            compared(&[sent], &[seen(1_903_000, "dial", DIAL)])
                .missing
                .is_empty()
        );
    }

    #[test]
    fn an_altered_event_differs_and_is_not_missing() {
        let altered = r#"{"UniqueId":"1.1","Phone":"2"}"#;
        let answer = compared(&[seen(0, "dial", DIAL)], &[seen(5, "dial", altered)]);
        assert_eq!(answer.pairs[0].differences[0].field, "Phone");
        assert!(answer.missing.is_empty() && answer.unsent.is_empty());
        // An event without an id can't be recognised.
        let (one, other) = (seen(0, "dial", "{}"), seen(0, "dial", r#"{"Phone":"1"}"#));
        assert_eq!(compared(&[one], &[other]).missing, [0]);
        // Another type of event is another event.
        let answer = compared(&[seen(0, "dial", DIAL)], &[seen(5, "start", DIAL)]);
        assert_eq!((answer.missing, answer.unsent), (vec![0], vec![0]));
    }

    #[test]
    fn of_several_that_are_left_those_that_agree_most_are_a_pair() {
        let sent = [
            seen(0, "bridge", r#"{"UniqueId":"1.1","A":1,"B":1,"C":1}"#),
            seen(1, "bridge", r#"{"UniqueId":"1.1","A":2,"B":2,"C":2}"#),
        ];
        let received = [seen(0, "bridge", r#"{"UniqueId":"1.1","A":2,"B":2,"C":3}"#)];
        let answer = compared(&sent, &received);
        assert_eq!((answer.pairs[0].sent, answer.missing), (1, vec![0]));
    }

    #[test]
    fn an_event_that_arrived_twice_is_a_duplicate_and_not_a_changed_event() {
        let other = r#"{"UniqueId":"1.1","Phone":"2"}"#;
        let sent = [seen(0, "dial", DIAL), seen(1, "dial", other)];
        let received = [seen(2, "dial", DIAL), seen(3, "dial", DIAL)];
        let answer = compared(&sent, &received);
        assert_eq!((answer.missing, answer.duplicates), (vec![1], vec![1]));
    }

    #[test]
    fn an_event_sent_without_a_body_takes_a_remaining_arrival_of_its_type() {
        let other = r#"{"UniqueId":"2.2"}"#;
        let sent = [
            seen(0, "dial", ""),
            seen(1, "dial", DIAL),
            seen(2, "start", ""),
        ];
        let received = [seen(3, "dial", DIAL), seen(4, "dial", other)];
        let answer = compared(&sent, &received);
        let pairs: Vec<_> = answer.pairs.iter().map(|p| (p.sent, p.received)).collect();
        assert_eq!((pairs, answer.missing), (vec![(0, 1), (1, 0)], vec![2]));
        assert!(answer.pairs.iter().all(|pair| pair.differences.is_empty()));
    }

    /// The largest number of pairs that any way of matching finds, by trying all.
    fn most(sent: &[Sighting], received: &[Sighting]) -> usize {
        let Some((first, rest)) = sent.split_first() else {
            return 0;
        };
        let (from, to) = MatchWindow::default().around(first);
        let mut best = most(rest, received);
        for (place, one) in received.iter().enumerate() {
            if (from..=to).contains(&one.at_millis) {
                let others: Vec<Sighting> = (received.iter().enumerate())
                    .filter(|(other, _)| *other != place)
                    .map(|(_, one)| one.clone())
                    .collect();
                best = best.max(1 + most(rest, &others));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_matching_is_the_largest_possible_and_reports_each_sighting_once(
            sent in prop::collection::vec((0..2_000_000_i64, 0..1_000_000_u64), 0..5),
            received in prop::collection::vec(0..3_000_000_i64, 0..5),
        ) {
            let sent: Vec<Sighting> = sent
                .into_iter()
                .map(|(at, waited)| Sighting { waited_millis: waited, ..seen(at, "dial", DIAL) })
                .collect();
            let received: Vec<Sighting> =
                received.into_iter().map(|at| seen(at, "dial", DIAL)).collect();
            let answer = compared(&sent, &received);
            prop_assert_eq!(answer.pairs.len(), most(&sent, &received));
            prop_assert_eq!(answer.pairs.len() + answer.missing.len(), sent.len());
            prop_assert_eq!(
                answer.pairs.len() + answer.duplicates.len() + answer.unsent.len(),
                received.len()
            );
        }
    }
}
