//! Decides which sent events are missing in the logs. Pure.

use calltrace_model::record::{LogZone, Stamp};
use calltrace_model::sighting::{Delivery, MatchWindow, Sighting, compare};
use calltrace_store::error::{TimeRange, Trouble};

/// The largest error of a clock or its zone (milliseconds). An event that arrived within this distance, at a time at
/// which it was not sent, counts as the arrival of an event sent at another time.
pub const CLOCK_ERROR_MAX: i64 = 26 * 3_600_000;

/// Why an event did not arrive, as far as the sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The sender waited for an answer until its time-out.
    TimedOut,
    /// The receiver answered with 400 or more.
    Refused,
    /// There was no connection.
    Unreachable,
    /// The sender believed that it was offline, and noted a 404 without having asked.
    NotTried,
    /// The receiver accepted the event and lost it.
    Lost,
    /// Only the table of the other receiver has the event.
    OtherTable,
    /// The sender's note is not understood.
    Unknown,
}

impl Cause {
    /// All causes, in the order of display.
    pub const ALL: [Cause; 7] = [
        Cause::TimedOut,
        Cause::Refused,
        Cause::Unreachable,
        Cause::NotTried,
        Cause::Lost,
        Cause::OtherTable,
        Cause::Unknown,
    ];

    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Cause::TimedOut => "timed_out",
            Cause::Refused => "refused",
            Cause::Unreachable => "unreachable",
            Cause::NotTried => "not_tried",
            Cause::Lost => "lost",
            Cause::OtherTable => "other_table",
            Cause::Unknown => "unknown",
        }
    }

    /// The cause for a missing event with this delivery.
    pub fn of(delivery: Delivery) -> Cause {
        match delivery {
            Delivery::Accepted => Cause::Lost,
            Delivery::Refused(_) => Cause::Refused,
            Delivery::TimedOut => Cause::TimedOut,
            Delivery::Unreachable => Cause::Unreachable,
            Delivery::NotTried => Cause::NotTried,
            Delivery::Unknown => Cause::Unknown,
        }
    }
}

/// The events that a host sent. The three lists have the same length.
#[derive(Debug, Default)]
pub struct SentEvents {
    /// The events.
    pub sightings: Vec<Sighting>,
    /// The cause of each event, if it turns out to be missing.
    pub causes: Vec<Cause>,
    /// The caller's row number of each event.
    pub rows: Vec<usize>,
}

impl SentEvents {
    /// Joins the journal's tables of the two receivers; each event comes with the number of its row. An event of the
    /// second table is added only if the first table lacks it.
    pub fn join(webhook: Vec<(usize, Sighting)>, crm: Vec<(usize, Sighting)>) -> SentEvents {
        let (mut rows, mut sightings): (Vec<usize>, Vec<Sighting>) = webhook.into_iter().unzip();
        let (crm_rows, crm): (Vec<usize>, Vec<Sighting>) = crm.into_iter().unzip();
        let only_crm = compare(&crm, &sightings, MatchWindow::default()).missing;
        let causes = sightings.iter().map(|one| Cause::of(one.delivery));
        let causes = causes.chain(only_crm.iter().map(|_| Cause::OtherTable));
        let causes = causes.collect();
        for place in only_crm {
            rows.push(crm_rows[place]);
            sightings.push(crm[place].clone());
        }
        SentEvents {
            sightings,
            causes,
            rows,
        }
    }

    /// First and last time at which an event may have arrived; `None` if there are no events.
    pub fn reach(&self) -> Option<(i64, i64)> {
        let windows = (self.sightings.iter()).map(|one| MatchWindow::default().around(one));
        windows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// The verdict on the sent events. Each event is counted once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Events that arrived.
    pub arrived: usize,
    /// The part of them that arrived at a time at which they were not sent: a clock is wrong.
    pub misdated: usize,
    /// Indexes of the events that did not arrive.
    pub missing: Vec<usize>,
    /// Events that have not arrived and still may.
    pub pending: usize,
    /// Events that may be in logs that could not be read.
    pub hidden: usize,
    /// The median time from sending to arrival, in milliseconds; 0 if no event arrived.
    pub lag: i64,
}

/// Compares the sent events with what arrived until `now` (milliseconds since 1970 UTC). An event that may be in a
/// damaged file never counts as missing, because it would then be written twice.
pub fn judge(
    sent: &SentEvents,
    received: &[Sighting],
    troubles: &[Trouble],
    zone: LogZone,
    now: i64,
) -> Judgement {
    let window = MatchWindow::default();
    let first = compare(&sent.sightings, received, window);
    let absent: Vec<Sighting> = (first.missing.iter())
        .map(|&place| sent.sightings[place].clone())
        .collect();
    let unsent: Vec<Sighting> = (first.unsent.iter())
        .map(|&place| received[place].clone())
        .collect();
    let wide = MatchWindow {
        before_millis: CLOCK_ERROR_MAX,
        after_millis: CLOCK_ERROR_MAX,
    };
    let mut is_misdated = vec![false; absent.len()];
    for pair in compare(&absent, &unsent, wide).pairs {
        is_misdated[pair.sent] = pair.differences.is_empty();
    }
    let hides: Vec<(i64, i64)> = (troubles.iter())
        .filter_map(|trouble| trouble.hides)
        .map(|times| millis(times, zone))
        .collect();
    let mut lags: Vec<i64> = (first.pairs.iter())
        .map(|pair| received[pair.received].at_millis - sent.sightings[pair.sent].at_millis)
        .collect();
    lags.sort_unstable();
    let mut judgement = Judgement {
        arrived: first.pairs.len(),
        lag: lags.get(lags.len() / 2).copied().unwrap_or_default(),
        ..Judgement::default()
    };
    for (&place, is_misdated) in first.missing.iter().zip(is_misdated) {
        let (from, to) = window.around(&sent.sightings[place]);
        if is_misdated {
            judgement.arrived += 1;
            judgement.misdated += 1;
        } else if to >= now {
            judgement.pending += 1;
        } else if hides
            .iter()
            .any(|&(first, last)| first <= to && from <= last)
        {
            judgement.hidden += 1;
        } else {
            judgement.missing.push(place);
        }
    }
    judgement
}

fn millis(times: TimeRange, zone: LogZone) -> (i64, i64) {
    let of = |at: Option<Stamp>| at.map(|at| zone.moment(at).timestamp_millis());
    (
        of(times.from).unwrap_or(i64::MIN),
        of(times.to).unwrap_or(i64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use calltrace_model::sighting::{EventBody, SeenAt};

    use super::*;

    const NOON: i64 = 1_764_676_800_000;
    const LATER: i64 = NOON + 3_600_000;

    fn seen(at_millis: i64, body: &str, delivery: Delivery) -> Sighting {
        Sighting {
            at_millis,
            waited_millis: 0,
            event: "hangup".into(),
            body: EventBody::parse(body),
            delivery,
            seen_at: SeenAt {
                source: "test".into(),
                number: 1,
            },
        }
    }

    fn sent(all: &[Sighting]) -> SentEvents {
        SentEvents::join(numbered(all), Vec::new())
    }

    fn numbered(all: &[Sighting]) -> Vec<(usize, Sighting)> {
        all.iter().cloned().enumerate().collect()
    }

    fn judged(sent: &SentEvents, received: &[Sighting], now: i64) -> Judgement {
        judge(sent, received, &[], LogZone::default(), now)
    }

    const BODY: &str = r#"{"UniqueId":"1.1","Phone":"1"}"#;

    #[test]
    fn a_time_out_that_arrived_after_all_is_not_missing() {
        let of_host = [seen(NOON, BODY, Delivery::TimedOut)];
        let received = [seen(NOON + 2_000, BODY, Delivery::Accepted)];
        assert_eq!(judged(&sent(&of_host), &received, LATER).arrived, 1);
        assert_eq!(judged(&sent(&of_host), &[], LATER).missing, [0]);
    }

    #[test]
    fn an_event_that_may_still_arrive_is_not_missing() {
        let of_host = [seen(NOON, BODY, Delivery::Accepted)];
        let last = NOON + 15 * 60_000;
        assert_eq!(judged(&sent(&of_host), &[], last).pending, 1);
        assert_eq!(judged(&sent(&of_host), &[], last + 1).missing, [0]);
    }

    #[test]
    fn a_wrong_clock_makes_no_event_missing() {
        let of_host = [seen(NOON, BODY, Delivery::Accepted)];
        let received = [seen(NOON + 3 * 3_600_000, BODY, Delivery::Accepted)];
        let judgement = judged(&sent(&of_host), &received, LATER + 24 * 3_600_000);
        assert_eq!((judgement.misdated, judgement.missing.len()), (1, 0));
        // Two were sent and one arrived in time, so the other one is still missing.
        let twice = [of_host[0].clone(), of_host[0].clone()];
        let in_time = [seen(NOON, BODY, Delivery::Accepted)];
        assert_eq!(judged(&sent(&twice), &in_time, LATER).missing.len(), 1);
    }

    #[test]
    fn an_event_that_damage_may_hide_is_not_missing() {
        let of_host = [seen(NOON, BODY, Delivery::Accepted)];
        let mut trouble = Trouble::new(Path::new("events.log"), "is torn");
        trouble.hides = Some(TimeRange::ANY);
        let judgement = judge(&sent(&of_host), &[], &[trouble], LogZone::default(), LATER);
        assert_eq!((judgement.hidden, judgement.missing.len()), (1, 0));
    }

    #[test]
    fn the_second_receivers_table_counts_only_if_the_first_has_no_event() {
        let other = r#"{"UniqueId":"2.2","Phone":"2"}"#;
        let webhook = numbered(&[seen(NOON, BODY, Delivery::TimedOut)]);
        let crm = numbered(&[
            seen(NOON + 40, BODY, Delivery::Accepted),
            seen(NOON, other, Delivery::Accepted),
        ]);
        let joined = SentEvents::join(webhook, crm);
        assert_eq!(joined.causes, [Cause::TimedOut, Cause::OtherTable]);
        assert_eq!(joined.rows, [0, 1]);
        // The other receiver gets bridges without their ids.
        let bridge = r#"{"UniqueId":"1.1","BridgeUniqueid":"b","Exten":"3"}"#;
        let less = r#"{"UniqueId":"1.1","Exten":"3"}"#;
        let joined = SentEvents::join(
            numbered(&[seen(NOON, bridge, Delivery::Accepted)]),
            numbered(&[seen(NOON, less, Delivery::Accepted)]),
        );
        assert_eq!(joined.causes, [Cause::Lost]);
    }
}
