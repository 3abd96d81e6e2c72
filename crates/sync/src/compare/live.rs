//! Both sides as they come: what has arrived of what was sent, and what is still not there.
//!
//! A journal is written when the answer is there, so an event may be seen to arrive before it is seen to be sent. What
//! has no counterpart waits for it; after [`Live::wait_millis`] it is told as missing, and it goes on waiting until
//! its window ends. Times of day are parameters.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, Difference, MatchWindow, Sighting};

use super::{Counts, Lag};

/// Of which side a sighting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The sender's.
    Sent,
    /// The receiver's.
    Received,
}

/// What is known of a sighting when it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It has come, and its counterpart has not.
    Alone,
    /// Its counterpart had come before; the event was so long on its way (milliseconds).
    Paired(i64),
    /// The counterpart has another body; the same, and the fields that differ.
    Differs(i64, Vec<Difference>),
    /// It was sent, and is still not there.
    Missing,
    /// It arrived, and nothing says that it was sent.
    Unsent,
    /// It arrived once more than it was sent.
    Duplicate,
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of which side.
    pub way: Way,
    /// The event.
    pub sighting: Sighting,
    /// What is known of it.
    pub state: State,
}

/// Both sides, as far as something waits for its counterpart.
#[derive(Debug)]
pub struct Live {
    window: MatchWindow,
    wait_millis: i64,
    sent: Lane,
    received: Lane,
    /// What arrived as it was sent, and when last.
    arrived: HashMap<Key, i64>,
    counts: Counts,
    lags: Vec<i64>,
}

/// Type and body of an event.
type Key = (Arc<str>, Arc<str>);

/// Events of one side that wait.
#[derive(Debug, Default)]
struct Lane {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    by_body: HashMap<Key, VecDeque<u64>>,
}

#[derive(Debug)]
struct Waiting {
    key: Key,
    sighting: Sighting,
    since_millis: i64,
    is_told: bool,
}

/// Events of one side that wait at one time; the oldest makes room.
const WAITING_MAX: usize = 100_000;

/// Lags that percentiles are made of; later ones replace earlier ones.
const LAGS_MAX: usize = 100_000;

impl Lane {
    fn push(&mut self, key: Key, sighting: Sighting, since_millis: i64) {
        if self.waiting.len() >= WAITING_MAX
            && let Some(first) = self.waiting.keys().next().copied()
        {
            self.remove(first);
        }
        let number = self.next;
        self.next += 1;
        self.by_body
            .entry(key.clone())
            .or_default()
            .push_back(number);
        let waiting = Waiting {
            key,
            sighting,
            since_millis,
            is_told: false,
        };
        self.waiting.insert(number, waiting);
    }

    fn remove(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        if let Some(same) = self.by_body.get_mut(&waiting.key) {
            same.retain(|other| *other != number);
            if same.is_empty() {
                self.by_body.remove(&waiting.key);
            }
        }
        Some(waiting)
    }

    /// The first with this body that `fits`.
    fn equal(&self, key: &Key, fits: impl Fn(&Sighting) -> bool) -> Option<u64> {
        let same = self.by_body.get(key)?.iter();
        let mut same = same.filter(|number| fits(&self.waiting[number].sighting));
        same.next().copied()
    }

    /// The first that `fits`, of the first thousand.
    fn any(&self, fits: impl Fn(&Sighting) -> bool) -> Option<u64> {
        let mut all = self.waiting.iter().take(1000);
        all.find(|(_, waiting)| fits(&waiting.sighting))
            .map(|(number, _)| *number)
    }
}

impl Live {
    /// Nothing has come yet. What has no counterpart after `wait_millis` is told as missing.
    pub fn new(window: MatchWindow, wait_millis: i64) -> Live {
        Live {
            window,
            wait_millis,
            sent: Lane::default(),
            received: Lane::default(),
            arrived: HashMap::new(),
            counts: Counts::default(),
            lags: Vec::new(),
        }
    }

    /// How long is waited before something is told as missing, in milliseconds.
    pub fn wait_millis(&self) -> i64 {
        self.wait_millis
    }

    /// Takes an event of one side, seen now.
    pub fn take(&mut self, way: Way, sighting: Sighting, now_millis: i64) -> Told {
        let key: Key = (
            Arc::clone(&sighting.event),
            sighting.body.canonical().into(),
        );
        let window = self.window;
        let other = match way {
            Way::Sent => {
                self.counts.sent += 1;
                self.counts.accepted += usize::from(sighting.delivery == Delivery::Accepted);
                self.received
                    .equal(&key, |other| meets(window, &sighting, other))
            }
            Way::Received => self
                .sent
                .equal(&key, |other| meets(window, other, &sighting)),
        };
        let state = match other {
            Some(number) => {
                let lane = match way {
                    Way::Sent => &mut self.received,
                    Way::Received => &mut self.sent,
                };
                let other = lane.remove(number).expect("it was found");
                let lag = match way {
                    Way::Sent => other.sighting.at_millis - sighting.at_millis,
                    Way::Received => sighting.at_millis - other.sighting.at_millis,
                };
                self.paired(key, lag, now_millis);
                State::Paired(lag)
            }
            None => {
                let lane = match way {
                    Way::Sent => &mut self.sent,
                    Way::Received => &mut self.received,
                };
                lane.push(key, sighting.clone(), now_millis);
                State::Alone
            }
        };
        Told {
            way,
            sighting,
            state,
        }
    }

    fn paired(&mut self, key: Key, lag: i64, now_millis: i64) {
        self.counts.received += 1;
        match self.lags.len() < LAGS_MAX {
            true => self.lags.push(lag),
            false => self.lags[self.counts.received % LAGS_MAX] = lag,
        }
        self.arrived.insert(key, now_millis);
    }

    /// What has waited long enough now to be told as missing; what has waited for all of its window is forgotten.
    pub fn tick(&mut self, now_millis: i64) -> Vec<Told> {
        let mut told = Vec::new();
        let kept = self.window.after_millis + self.window.before_millis;
        self.arrived.retain(|_, at| now_millis - *at <= kept);
        for number in due(&self.sent, now_millis - self.wait_millis) {
            told.extend(self.judge_sent(number));
        }
        for number in due(&self.received, now_millis - self.wait_millis) {
            told.extend(self.judge_received(number));
        }
        for (lane, is_sent) in [(&mut self.sent, true), (&mut self.received, false)] {
            let is_over =
                |waiting: &Waiting| waiting.is_told && now_millis - waiting.since_millis > kept;
            let over = lane.waiting.iter().filter(|(_, waiting)| is_over(waiting));
            let over: Vec<u64> = over.map(|(number, _)| *number).collect();
            if is_sent {
                self.counts.missing += over.len();
            }
            over.into_iter()
                .for_each(|number| drop(lane.remove(number)));
        }
        told
    }

    fn judge_sent(&mut self, number: u64) -> Option<Told> {
        let window = self.window;
        let sent = &self.sent.waiting.get(&number)?.sighting;
        let found = self
            .received
            .any(|other| is_like(sent, other) && meets(window, sent, other));
        match found {
            Some(other) => self.differs(number, other, Way::Sent),
            None => {
                let waiting = self.sent.waiting.get_mut(&number)?;
                waiting.is_told = true;
                Some(Told {
                    way: Way::Sent,
                    sighting: waiting.sighting.clone(),
                    state: State::Missing,
                })
            }
        }
    }

    fn judge_received(&mut self, number: u64) -> Option<Told> {
        let window = self.window;
        let received = &self.received.waiting.get(&number)?.sighting;
        let found = self
            .sent
            .any(|other| is_like(other, received) && meets(window, other, received));
        if let Some(other) = found {
            return self.differs(other, number, Way::Received);
        }
        let waiting = self.received.waiting.get_mut(&number)?;
        let is_known = self.arrived.contains_key(&waiting.key);
        waiting.is_told = true;
        let sighting = waiting.sighting.clone();
        if is_known {
            self.counts.duplicate += 1;
            self.received.remove(number);
        } else {
            self.counts.unsent += 1;
        }
        Some(Told {
            way: Way::Received,
            sighting,
            state: match is_known {
                true => State::Duplicate,
                false => State::Unsent,
            },
        })
    }

    /// Two that are one event with two bodies, or one of which the sender noted none.
    fn differs(&mut self, sent: u64, received: u64, way: Way) -> Option<Told> {
        let sent = self.sent.remove(sent)?;
        let received = self.received.remove(received)?;
        if way == Way::Sent && received.is_told {
            // It was told, and counted, as something that nobody sent.
            self.counts.unsent -= 1;
        }
        let lag = received.sighting.at_millis - sent.sighting.at_millis;
        let (one, other) = (&sent.sighting.body, &received.sighting.body);
        let state = match one.is_unknown() {
            true => State::Paired(lag),
            false => {
                self.counts.differs += 1;
                State::Differs(lag, one.differences(other))
            }
        };
        let now_millis = received.since_millis;
        let sighting = match way {
            Way::Sent => sent.sighting,
            Way::Received => received.sighting,
        };
        self.paired(received.key, lag, now_millis);
        Some(Told {
            way,
            sighting,
            state,
        })
    }

    /// How many there were, what still waits counted as missing; and how long events were on their way.
    pub fn finish(self) -> (Counts, Option<Lag>) {
        let counts = Counts {
            missing: self.counts.missing + self.sent.waiting.len(),
            ..self.counts
        };
        (counts, Lag::of(self.lags))
    }
}

/// What has waited since a time or longer and was not told.
fn due(lane: &Lane, since_millis: i64) -> Vec<u64> {
    let is_due = |waiting: &Waiting| !waiting.is_told && waiting.since_millis <= since_millis;
    let due = lane.waiting.iter().filter(|(_, waiting)| is_due(waiting));
    due.map(|(number, _)| *number).collect()
}

fn meets(window: MatchWindow, sent: &Sighting, received: &Sighting) -> bool {
    let (first, last) = window.around(sent);
    (first..=last).contains(&received.at_millis)
}

/// Whether the one may be the other with another body.
fn is_like(sent: &Sighting, received: &Sighting) -> bool {
    let id = || {
        let id = sent.body.id();
        !id.is_empty() && id == received.body.id()
    };
    sent.event == received.event && (sent.body.is_unknown() || id())
}

#[cfg(test)]
mod tests {
    use calltrace_model::sighting::{EventBody, SeenAt};

    use super::*;

    fn seen(at_millis: i64, body: &str) -> Sighting {
        Sighting {
            at_millis,
            waited_millis: 0,
            event: "dial".into(),
            body: EventBody::parse(body),
            delivery: Delivery::Accepted,
            seen_at: SeenAt {
                source: "test".into(),
                number: 1,
            },
        }
    }

    const ONE: &str = r#"{"UniqueId":"1.1","Phone":"1"}"#;
    const OTHER: &str = r#"{"UniqueId":"1.1","Phone":"2"}"#;

    fn live() -> Live {
        Live::new(MatchWindow::default(), 10_000)
    }

    fn states(told: &[Told]) -> Vec<&State> {
        told.iter().map(|told| &told.state).collect()
    }

    #[test]
    fn whichever_side_comes_first_the_second_has_the_lag() {
        for first in [Way::Sent, Way::Received] {
            let mut live = live();
            let (sent, received) = (seen(1_000, ONE), seen(1_057, ONE));
            let mut both = [(Way::Sent, sent), (Way::Received, received)];
            if first == Way::Received {
                both.reverse();
            }
            let told = both.map(|(way, sighting)| live.take(way, sighting, 2_000).state);
            assert_eq!(told, [State::Alone, State::Paired(57)]);
            assert!(live.tick(60_000).is_empty());
            let (counts, lag) = live.finish();
            assert_eq!((counts.sent, counts.received, counts.missing), (1, 1, 0));
            assert_eq!(lag.map(|lag| lag.p95_millis), Some(57));
        }
    }

    #[test]
    fn what_is_still_not_there_is_told_once_and_may_come_late() {
        let mut live = live();
        live.take(Way::Sent, seen(0, ONE), 0);
        assert!(live.tick(9_999).is_empty());
        assert_eq!(states(&live.tick(10_000)), [&State::Missing]);
        assert!(live.tick(20_000).is_empty());
        let late = live.take(Way::Received, seen(30_000, ONE), 30_000);
        assert_eq!(late.state, State::Paired(30_000));
        assert_eq!(live.finish().0.missing, 0);
    }

    #[test]
    fn another_body_differs_and_a_second_arrival_is_a_duplicate() {
        let mut live = live();
        live.take(Way::Sent, seen(0, ONE), 0);
        live.take(Way::Received, seen(5, OTHER), 5);
        let told = live.tick(20_000);
        let [State::Differs(5, fields)] = states(&told)[..] else {
            panic!("{told:?}");
        };
        assert_eq!(fields[0].field, "Phone");
        live.take(Way::Sent, seen(21_000, ONE), 21_000);
        live.take(Way::Received, seen(21_005, ONE), 21_005);
        live.take(Way::Received, seen(21_006, ONE), 21_006);
        assert_eq!(states(&live.tick(40_000)), [&State::Duplicate]);
        let counts = live.finish().0;
        assert_eq!((counts.differs, counts.duplicate, counts.unsent), (1, 1, 0));
    }

    #[test]
    fn what_nobody_sent_and_what_never_came_is_forgotten_behind_its_window() {
        let mut live = live();
        live.take(Way::Received, seen(0, ONE), 0);
        live.take(Way::Sent, seen(0, r#"{"UniqueId":"2.2"}"#), 0);
        assert_eq!(live.tick(10_000).len(), 2);
        live.tick(2_000_000);
        assert!(live.sent.waiting.is_empty() && live.received.waiting.is_empty());
        let counts = live.finish().0;
        assert_eq!((counts.unsent, counts.missing), (1, 1));
    }

    #[test]
    fn what_was_sent_without_a_body_takes_an_arrival_of_its_type() {
        let mut live = live();
        live.take(Way::Sent, seen(3, ""), 3);
        live.take(Way::Received, seen(0, ONE), 0);
        assert_eq!(states(&live.tick(20_000)), [&State::Paired(-3)]);
    }
}
