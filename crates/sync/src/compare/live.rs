//! Matches both sides while events arrive: which sent events have arrived, and which are still missing.
//!
//! A sender writes its journal after the answer, so an event may be seen on the receiving side first. An event
//! without a counterpart waits for it. After [`LiveMatcher::wait_millis`] it is reported as missing, and it keeps
//! waiting until its window ends. The current time is a parameter.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use calltrace_model::sighting::{Delivery, Difference, MatchWindow, Sighting};

use super::{EventCounts, Lag};

/// The side that saw an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSide {
    /// The sender.
    Sent,
    /// The receiver.
    Received,
}

/// The state of an event when it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchState {
    /// The event has come, and its counterpart has not.
    Alone,
    /// The counterpart came earlier. The value is the time from sending to arrival (milliseconds).
    Paired(i64),
    /// The counterpart has a different body: the time from sending to arrival (milliseconds), and the fields that
    /// differ.
    Differs(i64, Vec<Difference>),
    /// The event was sent and has not arrived in time.
    Missing,
    /// The event arrived, and there is no record that it was sent.
    Unsent,
    /// The event arrived more often than it was sent.
    Duplicate,
}

/// An event to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveUpdate {
    /// The side that saw the event.
    pub way: EventSide,
    /// The event.
    pub sighting: Sighting,
    /// The state of its match.
    pub state: MatchState,
}

/// Matches events of both sides. It keeps the events that wait for a counterpart.
#[derive(Debug)]
pub struct LiveMatcher {
    window: MatchWindow,
    wait_millis: i64,
    sent: PendingEvents,
    received: PendingEvents,
    /// Events that arrived with the body that was sent, with the time of the last arrival.
    arrived: HashMap<EventKey, i64>,
    counts: EventCounts,
    lags: Vec<i64>,
}

/// Type and body of an event.
type EventKey = (Arc<str>, Arc<str>);

/// Events of one side that wait for a counterpart.
#[derive(Debug, Default)]
struct PendingEvents {
    next: u64,
    waiting: BTreeMap<u64, PendingEvent>,
    by_body: HashMap<EventKey, VecDeque<u64>>,
}

#[derive(Debug)]
struct PendingEvent {
    key: EventKey,
    sighting: Sighting,
    since_millis: i64,
    is_reported: bool,
}

/// Maximum number of waiting events per side. The oldest is dropped for a new one.
const WAITING_MAX: usize = 100_000;

/// Maximum number of lags for percentiles. Later ones replace earlier ones.
const LAGS_MAX: usize = 100_000;

impl PendingEvents {
    fn push(&mut self, key: EventKey, sighting: Sighting, since_millis: i64) {
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
        let waiting = PendingEvent {
            key,
            sighting,
            since_millis,
            is_reported: false,
        };
        self.waiting.insert(number, waiting);
    }

    fn remove(&mut self, number: u64) -> Option<PendingEvent> {
        let waiting = self.waiting.remove(&number)?;
        if let Some(same) = self.by_body.get_mut(&waiting.key) {
            same.retain(|other| *other != number);
            if same.is_empty() {
                self.by_body.remove(&waiting.key);
            }
        }
        Some(waiting)
    }

    /// The first event with this body for which `fits` is true.
    fn equal(&self, key: &EventKey, fits: impl Fn(&Sighting) -> bool) -> Option<u64> {
        let same = self.by_body.get(key)?.iter();
        let mut same = same.filter(|number| fits(&self.waiting[number].sighting));
        same.next().copied()
    }

    /// The first of the oldest thousand events for which `fits` is true.
    fn any(&self, fits: impl Fn(&Sighting) -> bool) -> Option<u64> {
        let mut all = self.waiting.iter().take(1000);
        all.find(|(_, waiting)| fits(&waiting.sighting))
            .map(|(number, _)| *number)
    }
}

impl LiveMatcher {
    /// Starts without events. An event without a counterpart after `wait_millis` is reported as missing.
    pub fn new(window: MatchWindow, wait_millis: i64) -> LiveMatcher {
        LiveMatcher {
            window,
            wait_millis,
            sent: PendingEvents::default(),
            received: PendingEvents::default(),
            arrived: HashMap::new(),
            counts: EventCounts::default(),
            lags: Vec::new(),
        }
    }

    /// The time after which an event is reported as missing, in milliseconds.
    pub fn wait_millis(&self) -> i64 {
        self.wait_millis
    }

    /// Adds an event of one side, seen now.
    pub fn take(&mut self, way: EventSide, sighting: Sighting, now_millis: i64) -> LiveUpdate {
        let key: EventKey = (
            Arc::clone(&sighting.event),
            sighting.body.canonical().into(),
        );
        let window = self.window;
        let other = match way {
            EventSide::Sent => {
                self.counts.sent += 1;
                self.counts.accepted += usize::from(sighting.delivery == Delivery::Accepted);
                self.received
                    .equal(&key, |other| meets(window, &sighting, other))
            }
            EventSide::Received => self
                .sent
                .equal(&key, |other| meets(window, other, &sighting)),
        };
        let state = match other {
            Some(number) => {
                let pending = match way {
                    EventSide::Sent => &mut self.received,
                    EventSide::Received => &mut self.sent,
                };
                let other = pending.remove(number).expect("it was found");
                let lag = match way {
                    EventSide::Sent => other.sighting.at_millis - sighting.at_millis,
                    EventSide::Received => sighting.at_millis - other.sighting.at_millis,
                };
                self.paired(key, lag, now_millis);
                MatchState::Paired(lag)
            }
            None => {
                let pending = match way {
                    EventSide::Sent => &mut self.sent,
                    EventSide::Received => &mut self.received,
                };
                pending.push(key, sighting.clone(), now_millis);
                MatchState::Alone
            }
        };
        LiveUpdate {
            way,
            sighting,
            state,
        }
    }

    fn paired(&mut self, key: EventKey, lag: i64, now_millis: i64) {
        self.counts.received += 1;
        match self.lags.len() < LAGS_MAX {
            true => self.lags.push(lag),
            false => self.lags[self.counts.received % LAGS_MAX] = lag,
        }
        self.arrived.insert(key, now_millis);
    }

    /// Returns the events that are now reported as missing. Events are dropped when their window ends.
    pub fn tick(&mut self, now_millis: i64) -> Vec<LiveUpdate> {
        let mut updates = Vec::new();
        let kept = self.window.after_millis + self.window.before_millis;
        self.arrived.retain(|_, at| now_millis - *at <= kept);
        for number in due(&self.sent, now_millis - self.wait_millis) {
            updates.extend(self.judge_sent(number));
        }
        for number in due(&self.received, now_millis - self.wait_millis) {
            updates.extend(self.judge_received(number));
        }
        for (pending, is_sent) in [(&mut self.sent, true), (&mut self.received, false)] {
            let is_over = |waiting: &PendingEvent| {
                waiting.is_reported && now_millis - waiting.since_millis > kept
            };
            let over = pending
                .waiting
                .iter()
                .filter(|(_, waiting)| is_over(waiting));
            let over: Vec<u64> = over.map(|(number, _)| *number).collect();
            if is_sent {
                self.counts.missing += over.len();
            }
            over.into_iter()
                .for_each(|number| drop(pending.remove(number)));
        }
        updates
    }

    fn judge_sent(&mut self, number: u64) -> Option<LiveUpdate> {
        let window = self.window;
        let sent = &self.sent.waiting.get(&number)?.sighting;
        let found = self
            .received
            .any(|other| is_like(sent, other) && meets(window, sent, other));
        match found {
            Some(other) => self.differs(number, other, EventSide::Sent),
            None => {
                let waiting = self.sent.waiting.get_mut(&number)?;
                waiting.is_reported = true;
                Some(LiveUpdate {
                    way: EventSide::Sent,
                    sighting: waiting.sighting.clone(),
                    state: MatchState::Missing,
                })
            }
        }
    }

    fn judge_received(&mut self, number: u64) -> Option<LiveUpdate> {
        let window = self.window;
        let received = &self.received.waiting.get(&number)?.sighting;
        let found = self
            .sent
            .any(|other| is_like(other, received) && meets(window, other, received));
        if let Some(other) = found {
            return self.differs(other, number, EventSide::Received);
        }
        let waiting = self.received.waiting.get_mut(&number)?;
        let is_known = self.arrived.contains_key(&waiting.key);
        waiting.is_reported = true;
        let sighting = waiting.sighting.clone();
        if is_known {
            self.counts.duplicate += 1;
            self.received.remove(number);
        } else {
            self.counts.unsent += 1;
        }
        Some(LiveUpdate {
            way: EventSide::Received,
            sighting,
            state: match is_known {
                true => MatchState::Duplicate,
                false => MatchState::Unsent,
            },
        })
    }

    /// Joins two records of one event that differ in their bodies, or lack a body because the sender noted none.
    fn differs(&mut self, sent: u64, received: u64, way: EventSide) -> Option<LiveUpdate> {
        let sent = self.sent.remove(sent)?;
        let received = self.received.remove(received)?;
        if way == EventSide::Sent && received.is_reported {
            // It was reported and counted as unsent before.
            self.counts.unsent -= 1;
        }
        let lag = received.sighting.at_millis - sent.sighting.at_millis;
        let (one, other) = (&sent.sighting.body, &received.sighting.body);
        let state = match one.is_unknown() {
            true => MatchState::Paired(lag),
            false => {
                self.counts.differs += 1;
                MatchState::Differs(lag, one.differences(other))
            }
        };
        let now_millis = received.since_millis;
        let sighting = match way {
            EventSide::Sent => sent.sighting,
            EventSide::Received => received.sighting,
        };
        self.paired(received.key, lag, now_millis);
        Some(LiveUpdate {
            way,
            sighting,
            state,
        })
    }

    /// The counts, with waiting events counted as missing, and the lag of all events that arrived.
    pub fn finish(self) -> (EventCounts, Option<Lag>) {
        let counts = EventCounts {
            missing: self.counts.missing + self.sent.waiting.len(),
            ..self.counts
        };
        (counts, Lag::of(self.lags))
    }
}

/// Events that have waited since this time or longer and were not reported.
fn due(pending: &PendingEvents, since_millis: i64) -> Vec<u64> {
    let is_due =
        |waiting: &PendingEvent| !waiting.is_reported && waiting.since_millis <= since_millis;
    let due = pending
        .waiting
        .iter()
        .filter(|(_, waiting)| is_due(waiting));
    due.map(|(number, _)| *number).collect()
}

fn meets(window: MatchWindow, sent: &Sighting, received: &Sighting) -> bool {
    let (first, last) = window.around(sent);
    (first..=last).contains(&received.at_millis)
}

/// Whether the two records may be of the same event, with different bodies.
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

    fn live() -> LiveMatcher {
        LiveMatcher::new(MatchWindow::default(), 10_000)
    }

    fn states(updates: &[LiveUpdate]) -> Vec<&MatchState> {
        updates.iter().map(|update| &update.state).collect()
    }

    #[test]
    fn the_second_side_reports_the_lag_in_either_order() {
        for first in [EventSide::Sent, EventSide::Received] {
            let mut live = live();
            let (sent, received) = (seen(1_000, ONE), seen(1_057, ONE));
            let mut both = [(EventSide::Sent, sent), (EventSide::Received, received)];
            if first == EventSide::Received {
                both.reverse();
            }
            let updates = both.map(|(way, sighting)| live.take(way, sighting, 2_000).state);
            assert_eq!(updates, [MatchState::Alone, MatchState::Paired(57)]);
            assert!(live.tick(60_000).is_empty());
            let (counts, lag) = live.finish();
            assert_eq!((counts.sent, counts.received, counts.missing), (1, 1, 0));
            assert_eq!(lag.map(|lag| lag.p95_millis), Some(57));
        }
    }

    #[test]
    fn a_missing_event_is_reported_once_and_may_arrive_late() {
        let mut live = live();
        live.take(EventSide::Sent, seen(0, ONE), 0);
        assert!(live.tick(9_999).is_empty());
        assert_eq!(states(&live.tick(10_000)), [&MatchState::Missing]);
        assert!(live.tick(20_000).is_empty());
        let late = live.take(EventSide::Received, seen(30_000, ONE), 30_000);
        assert_eq!(late.state, MatchState::Paired(30_000));
        assert_eq!(live.finish().0.missing, 0);
    }

    #[test]
    fn a_different_body_differs_and_a_second_arrival_is_a_duplicate() {
        let mut live = live();
        live.take(EventSide::Sent, seen(0, ONE), 0);
        live.take(EventSide::Received, seen(5, OTHER), 5);
        let updates = live.tick(20_000);
        let [MatchState::Differs(5, fields)] = states(&updates)[..] else {
            panic!("{updates:?}");
        };
        assert_eq!(fields[0].field, "Phone");
        live.take(EventSide::Sent, seen(21_000, ONE), 21_000);
        live.take(EventSide::Received, seen(21_005, ONE), 21_005);
        live.take(EventSide::Received, seen(21_006, ONE), 21_006);
        assert_eq!(states(&live.tick(40_000)), [&MatchState::Duplicate]);
        let counts = live.finish().0;
        assert_eq!((counts.differs, counts.duplicate, counts.unsent), (1, 1, 0));
    }

    #[test]
    fn unsent_and_missing_events_are_forgotten_after_their_window() {
        let mut live = live();
        live.take(EventSide::Received, seen(0, ONE), 0);
        live.take(EventSide::Sent, seen(0, r#"{"UniqueId":"2.2"}"#), 0);
        assert_eq!(live.tick(10_000).len(), 2);
        live.tick(2_000_000);
        assert!(live.sent.waiting.is_empty() && live.received.waiting.is_empty());
        let counts = live.finish().0;
        assert_eq!((counts.unsent, counts.missing), (1, 1));
    }

    #[test]
    fn an_event_sent_without_a_body_takes_an_arrival_of_its_type() {
        let mut live = live();
        live.take(EventSide::Sent, seen(3, ""), 3);
        live.take(EventSide::Received, seen(0, ONE), 0);
        assert_eq!(states(&live.tick(20_000)), [&MatchState::Paired(-3)]);
    }
}
