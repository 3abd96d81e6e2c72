//! The emulator's log, `call_tester_events.log`: the events that it sent, in three families of records.
//!
//! `browser` (events that a page reports as sent) and `proxy` (requests that pass through the service) write a
//! request over several records and its answer over several more. `simulated` calls are made by the service itself,
//! which records no bodies. Records of concurrent events are interleaved, and only their order, the type of the event
//! and ids in the JSON connect a request to its answer (`pending`).

mod browser;
mod pending;
mod proxy;
mod simulated;
mod words;

use std::collections::HashMap;

use super::LogContents;
use super::placed::{EventNames, PlacedRecord};

use browser::Browser;
use proxy::Proxy;

#[derive(Debug, Default)]
pub(super) struct Tester {
    names: EventNames,
    browser: Browser,
    proxy: Proxy,
}

/// The largest time between the page's and the proxy's record of one event (milliseconds).
const REPEATED_MILLIS: i64 = 60_000;

impl Tester {
    /// Handles the record; returns whether it is of this kind.
    pub(super) fn record(&mut self, seen: &PlacedRecord<'_>, out: &mut LogContents) -> bool {
        let names = &mut self.names;
        self.browser.record(seen, names, out)
            || self.proxy.record(seen, names, out)
            || simulated::record(seen, names, out)
    }

    /// Number of events that were not returned yet.
    pub(super) fn held(&self) -> usize {
        self.browser.open.held() + self.proxy.open.held()
    }

    /// Returns requests that were answered, and those without an answer that were sent before a given time.
    pub(super) fn take(&mut self, before_millis: i64, out: &mut LogContents) {
        self.browser.open.give_up(before_millis);
        self.proxy.open.give_up(before_millis);
        // A page that sends through the proxy reports events that the proxy records as well.
        let mut noted: HashMap<(String, String), Vec<i64>> = HashMap::new();
        for request in self.proxy.open.take() {
            noted
                .entry(request.key())
                .or_default()
                .push(request.sighting.at_millis);
            out.sent.push(request.sighting);
        }
        for request in self.browser.open.take() {
            let at = request.sighting.at_millis;
            let times = request
                .is_proxied
                .then(|| noted.get_mut(&request.key()))
                .flatten();
            let duplicate = times.and_then(|times| {
                let is_near = |time: &i64| (time - at).abs() <= REPEATED_MILLIS;
                let duplicate = times.iter().position(is_near)?;
                Some(times.swap_remove(duplicate))
            });
            if duplicate.is_none() {
                out.sent.push(request.sighting);
            }
        }
        out.sent.sort_by_key(|sent| sent.at_millis);
    }

    /// Counts what is incomplete at the end of the log.
    pub(super) fn finish(&mut self, out: &mut LogContents) {
        self.browser.finish(out);
        self.proxy.finish(out);
        self.take(i64::MAX, out);
    }
}
