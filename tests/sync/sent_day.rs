//! A day of events as a host sends them, and what of it arrived: some were dropped, doubled or altered, and some only
//! look as if they were.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use testing::journals::{Journals, Outcome, SentEvent};

/// The day before the tests take place.
pub(crate) const DAY: &str = "2025-12-02";

/// The changes to the events of a day, by the number that each body has as `N`.
#[derive(Default)]
pub(crate) struct Day {
    /// What the journal notes.
    pub(crate) sent: Vec<SentEvent>,
    /// Lines of the log, in the order of their times.
    pub(crate) log: String,
    /// Those that did not arrive, once for each time.
    pub(crate) dropped: Vec<usize>,
    pub(crate) doubled: Vec<usize>,
    pub(crate) altered: Vec<usize>,
}

const EVENTS: [&str; 4] = ["start", "dial", "bridge", "hangup"];

impl Day {
    /// So many events; of each hundred one is dropped, one doubled, one altered, one is sent twice on purpose, one
    /// arrives with other white space and key order, one after the sender gave up on it; one was not even tried.
    pub(crate) fn of(count: usize) -> Day {
        let mut day = Day::default();
        for number in 0..count {
            day.event(number, number * 80_000 / count);
        }
        day
    }

    fn event(&mut self, number: usize, second: usize) {
        let place = number % 100;
        let event = EVENTS[number % EVENTS.len()];
        let id = format!("{}.{}", 1_764_633_600 + second, number / EVENTS.len());
        let body = format!(
            "{{\"Token\": \"375290000000\", \"UniqueId\": \"{id}\", \"Phone\": \"375290001234\", \"N\": {number}}}"
        );
        let outcome = match place {
            11 | 12 => Outcome::TimedOut,
            13 => Outcome::NotTried,
            14 => Outcome::Refused(500),
            _ => Outcome::Accepted,
        };
        let sent = SentEvent {
            written: clock(second),
            event: event.to_owned(),
            unique_id: id.clone(),
            body: body.clone(),
            outcome,
            millis: 41,
            is_in_crm: place == 20,
        };
        let other = format!(
            "{{\"N\":{number}, \"Phone\" :\"37529000\\u0031234\",\"Token\":\"375290000000\",\"UniqueId\":\"{id}\"}}"
        );
        let altered = body.replace("1234", "9999");
        let arrived: &[&str] = match place {
            // Timed out for good, not tried, refused; accepted and lost.
            12..=15 => {
                self.dropped.push(number);
                &[]
            }
            16 => {
                self.doubled.push(number);
                &[&body, &body]
            }
            17 => {
                self.altered.push(number);
                &[&altered]
            }
            18 => {
                self.sent.push(sent.clone());
                &[&body, &body]
            }
            // Sent twice, arrived once.
            19 => {
                self.sent.push(sent.clone());
                self.dropped.push(number);
                &[&body]
            }
            10 => &[&other],
            _ => &[&body],
        };
        self.sent.push(sent);
        for body in arrived {
            let _ = writeln!(
                self.log,
                "{DAY} {},050|AST|{event}|{id}|{body}",
                clock(second)
            );
        }
    }

    /// Puts both sides where they belong.
    pub(crate) fn write(&self, journals: &Journals, folder: &Path) {
        journals.add(DAY, &self.sent);
        fs::create_dir_all(folder).expect("its own folder");
        fs::write(folder.join(format!("events.log.{DAY}")), &self.log).expect("its own file");
    }
}

/// A second of the day, as records write it.
fn clock(second: usize) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}
